"""The graph of a hardware station against a robot on the wire."""

import os
import select
import subprocess
import sys
from contextlib import contextmanager
from importlib import util
from pathlib import Path

import pytest
import yaml

from robot_rl.core.station import FOLDER
from robot_rl.nodes.launcher import Graph

DRIVERS = Path(__file__).parents[1] / "drivers"


@contextmanager
def franka_graph(folder):
    """Of a Franka without a hand, its station file in ``folder``."""
    spec = util.spec_from_file_location("vendor_libraries", DRIVERS / "conftest.py")
    vendor = util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    address = f"127.{101 + os.getpid() // 250 % 100}.{1 + os.getpid() % 250}.1"
    path = os.pathsep.join([str(DRIVERS), str(DRIVERS.parents[1]), vendor.folder_of("pylibfranka")])
    data = yaml.safe_load((FOLDER / "franka.yaml").read_text(encoding="utf-8"))
    data |= {"priority": 0, "preset": "rl_explore"}
    data["robot"] |= {"address": address, "soft_realtime": True}
    del data["gripper"]
    station = folder / "franka.yaml"
    station.write_text(yaml.safe_dump(data), encoding="utf-8")
    call = [sys.executable, str(DRIVERS / "fci_server.py"), address, "--real-time"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        server = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        try:
            assert select.select([server.stdout], [], [], 60.0)[0]
            with Graph(str(station), "reach", domain=-1) as started:
                yield started
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
