"""The ROS graph of a hardware station against a robot on the wire: the twin's surface, but nothing moves by itself."""

import os
import select
import subprocess
import sys
import time
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState

from controllers.guard.lifecycle import Phase
from robot_rl.core.records import Command
from robot_rl.core.station import FOLDER
from robot_rl.nodes import messages as ros
from robot_rl.nodes.launcher import Graph

pytestmark = pytest.mark.timeout(600)
DRIVERS = Path(__file__).parents[1] / "drivers"
ACTIVATE = 3


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    spec = util.spec_from_file_location("vendor_libraries", DRIVERS / "conftest.py")
    vendor = util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    address = f"127.{101 + os.getpid() // 250 % 100}.{1 + os.getpid() % 250}.1"
    path = os.pathsep.join([str(DRIVERS), str(DRIVERS.parents[1]), vendor.folder_of("pylibfranka")])
    data = yaml.safe_load((FOLDER / "franka.yaml").read_text(encoding="utf-8"))
    data |= {"priority": 0, "preset": "rl_explore"}
    data["robot"] |= {"address": address, "soft_realtime": True}
    del data["gripper"]
    station = tmp_path_factory.mktemp("station") / "franka.yaml"
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


def lead(surface, seq, pose, patience=6.0):
    """Whether the tool arrives at ``pose``."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        now, seq = time.monotonic(), seq + 1
        surface.robot.send(Command(stamp=now, seq=seq, valid_until=now + 0.5, duration=0.2, pose=pose, gripper=0.0))
        surface.until(lambda: False, 0.05)
        if np.linalg.norm(surface.robot.state().ee_pose[:3] - pose[:3]) < 6e-3:
            return True
    return False


def test_its_joints_have_their_own_names(surface):
    heard = []
    surface.node.create_subscription(JointState, "joint_states", heard.append, ros.NEWEST)
    assert surface.until(lambda: len(heard) > 0, 5.0)
    assert list(heard[0].name) == [*(f"fr3_joint{i}" for i in range(1, 8)), "fr3_finger_joint1"]
    assert len(heard[0].position) == len(heard[0].effort) == 8


def test_a_robot_on_ros(surface):
    assert surface.state() == "inactive", "a person activates a robot"
    start = surface.robot.state().ee_pose
    goal = start + np.array([0.0, 0.0, 0.03, 0, 0, 0, 0])
    assert not lead(surface, 0, goal, 0.5)
    refused = surface.call("reset")
    assert not refused.success
    assert "INACTIVE" in refused.message
    assert surface.change(ACTIVATE)
    assert surface.until_phase(Phase.ACTIVE)
    assert lead(surface, 100, goal)
    assert surface.call("soft_stop").success
    assert surface.until_phase(Phase.STOPPED)
    assert surface.call("clear_fault").success
    assert surface.until(lambda: np.abs(surface.robot.state().dq).max() < 0.03), "at rest"
    assert surface.change(ACTIVATE)
    assert surface.until_phase(Phase.ACTIVE)
    assert surface.call("home").success
    assert surface.until_phase(Phase.HOMING, 2.0)
    assert surface.until_phase(Phase.ACTIVE, 20.0)
    np.testing.assert_allclose(surface.robot.state().ee_pose[:3], start[:3], atol=0.015)
    assert surface.robot.telemetry()["violations"] == 0
