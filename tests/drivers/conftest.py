"""The manufacturers' libraries in a folder of their own, and processes that stand in for the robots."""

import fcntl
import importlib.util
import itertools
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
ROOT = HERE.parents[1]
WHEELS = {"pylibfranka": "pylibfranka==0.21.3", "rtde_control": "ur-rtde==1.6.5"}
ADDRESSES = itertools.count()


def folder_of(module):
    """Where the wheel that holds ``module`` lies; installed on first use, beside the environment, not into it."""
    place = ROOT / ".venvs" / f"vendor-{module}"
    place.parent.mkdir(exist_ok=True)
    with (place.parent / f"vendor-{module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            call = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--target", place]
            done = subprocess.run([*call, WHEELS[module]], capture_output=True, text=True, timeout=240)
            if done.returncode != 0:
                pytest.skip(f"{WHEELS[module]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
            (place / "done").touch()
    return str(place)


@pytest.fixture(scope="session")
def library():
    """library("pylibfranka"): make a manufacturer's library importable, or skip the test. ``.folder``: its place."""

    def find(module):
        if importlib.util.find_spec(module) is None:
            sys.path.append(folder_of(module))

    find.folder = folder_of
    return find


@pytest.fixture
def serve():
    """serve("fci_server.py", "--version", "5") -> address of a stand-in that is ready."""
    started = []

    def start(script, *flags):
        address = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}.{1 + next(ADDRESSES) % 250}"
        path = os.pathsep.join([str(HERE), str(ROOT), os.environ.get("PYTHONPATH", "")])
        call = [sys.executable, str(HERE / script), address, *map(str, flags)]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
        started.append(process)
        assert select.select([process.stdout], [], [], 60.0)[0], "the stand-in does not start"
        assert process.stdout.readline() == "ready\n"
        return address

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
