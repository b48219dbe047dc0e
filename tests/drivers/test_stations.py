"""The arm process of a hardware station against robots on the wire: the same surface as the twin's, under guard."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from controllers.guard.lifecycle import Phase, Reason
from controllers.loop.exchange import shared_path
from controllers.passive_client import PassiveClient
from robot_rl.core.errors import ActivationRefusedError, StaleDataError
from robot_rl.core.records import Command
from robot_rl.core.station import FOLDER

pytestmark = pytest.mark.timeout(600)
SERVERS = {"franka": ("fci_server.py", "pylibfranka"), "ur5e": ("rtde_server.py", "rtde_control")}
GRIPPERS = {"franka": "franka_hand", "ur5e": "robotiq"}


class Running:
    """An arm process of a station and a client of it."""

    def __init__(self, station, folder):
        self.name, self.log = f"test.{os.getpid()}.{time.monotonic_ns()}", folder / "log"
        path = os.pathsep.join([*sys.path[1:], os.environ.get("PYTHONPATH", "")])
        call = [sys.executable, "-m", "robot_rl.nodes.arm_process", "--graph", self.name, "--station", str(station)]
        call += ["--black-box", str(folder / "box"), "--parent", str(os.getpid())]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(call, stderr=log, env={**os.environ, "PYTHONPATH": path})
        self.seq = 0

    def client(self, patience=240.0):
        """A client, once the arm is there; what the process said, if it ended instead."""
        end = time.monotonic() + patience
        while not shared_path(self.name).exists() or time.monotonic() > end:
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        return PassiveClient(self.name, timeout=60.0)

    def end(self):
        self.process.terminate()
        self.process.wait(60.0)

    def said(self):
        return self.log.read_text()


@pytest.fixture
def station(serve, library, tmp_path):
    """station("franka", "--reflex-at", 900, key=value) -> station file of a robot on the wire."""

    def make(name, *flags, gripper=(), **changes):
        script, module = SERVERS[name]
        library(module)
        data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        data |= {"preset": "rl_explore", "priority": 0, **changes}
        data["robot"]["address"] = serve(script, "--real-time", *flags)
        data["robot"] |= {"soft_realtime": True} if name == "franka" else {"soft_realtime": True, "patience": 2.0}
        data["gripper"]["address"] = serve("hand_server.py", GRIPPERS[name], *gripper)
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return path

    return make


@pytest.fixture
def run(tmp_path):
    started = []

    def start(path):
        started.append(Running(path, tmp_path))
        return started[-1]

    yield start
    for running in started:
        running.end()
        assert not shared_path(running.name).exists()
        assert not shared_path(f"{running.name}.box").exists()
        assert "Traceback" not in running.said(), running.said()


def until(condition, patience=10.0):
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def go(arm, running, offset, opening=0.04, patience=6.0):
    """Lead the tool by ``offset`` from where it is; whether it arrives within 6 mm."""
    goal = arm.state().ee_pose
    goal[:3] += offset

    def step():
        now, running.seq = time.monotonic(), running.seq + 1
        times = {"stamp": now, "valid_until": now + 0.5, "duration": 0.2}
        arm.send(Command(seq=running.seq, pose=goal, gripper=opening, **times))
        time.sleep(0.05)
        return np.linalg.norm(arm.state().ee_pose[:3] - goal[:3]) < 6e-3

    return until(step, patience)


def phase_of(arm):
    """None while the arm is silent: the library waits a second for the packets of a lost connection."""
    try:
        return arm.phase
    except StaleDataError:
        return None


def activate(arm):
    assert until(lambda: arm.state().energy.tank > 0.0)
    arm.ask("activate")
    return until(lambda: arm.phase is Phase.ACTIVE)


@pytest.mark.parametrize("name", SERVERS)
def test_a_day_with_a_robot(station, run, name):
    running = run(station(name))
    with running.client() as arm:
        start = arm.state().ee_pose
        assert arm.phase is Phase.INACTIVE
        assert not go(arm, running, [0.0, 0.0, 0.03], patience=0.5), "an inactive arm follows no commands"
        np.testing.assert_allclose(arm.state().ee_pose[:3], start[:3], atol=2e-3)
        with pytest.raises(ActivationRefusedError, match="not reset: INACTIVE"):
            arm.reset(0)
        assert activate(arm)
        assert go(arm, running, [0.0, 0.0, 0.04], opening=0.06)
        assert until(lambda: abs(arm.state().gripper - 0.06) < 2e-3)
        arm.soft_stop()
        assert until(lambda: arm.phase is Phase.STOPPED)
        assert not go(arm, running, [0.0, 0.0, 0.03], patience=0.5)
        arm.ask("clear")
        assert until(lambda: arm.phase is Phase.INACTIVE)
        assert activate(arm)
        arm.reset(7)
        assert arm.telemetry()["seed"] == 7.0
        assert until(lambda: arm.phase is Phase.ACTIVE)
        np.testing.assert_allclose(arm.state().ee_pose[:3], start[:3], atol=0.015)
        assert arm.telemetry()["violations"] == 0
        assert arm.ask("dump_blackbox")["text"].endswith(".npz")
        path = Path(arm.ask("dump_blackbox")["text"])
        rows = np.load(path)["rows"]
        assert np.isfinite(rows["tau_measured"]).any() == (name == "franka"), "what the robot measured is in the box"


def test_a_reflex_is_a_named_fault_that_a_person_ends(station, run):
    running = run(station("franka", "--reflex-at", 3000))
    with running.client() as arm:
        assert activate(arm)
        assert until(lambda: arm.phase is Phase.FAULT, 20.0)
        assert arm.reason is Reason.ROBOT_STOP
        assert "cartesian_reflex" in arm.ask("status")["text"]
        with pytest.raises(ActivationRefusedError, match="FAULT"):
            arm.ask("activate")
        arm.ask("recover")
        assert until(lambda: arm.phase is Phase.ACTIVE)
        assert go(arm, running, [0.0, 0.0, 0.02])
    assert "cartesian_reflex" in running.said()


@pytest.mark.parametrize(
    ("name", "flags", "reason", "line"),
    [
        ("franka", ("--drop-at", 3000), Reason.ROBOT_STOP, "find out why, then recover it"),
        ("franka", ("--garble-at", 3000), Reason.MEASUREMENT, ""),
        ("ur5e", ("--stop-at", 1500), Reason.ROBOT_STOP, "it stopped itself"),
    ],
)
def test_what_breaks_is_a_named_fault(station, run, name, flags, reason, line):
    running = run(station(name, *flags))
    with running.client() as arm:
        assert activate(arm)
        assert until(lambda: phase_of(arm) is Phase.FAULT, 20.0)
        assert arm.reason is reason
        assert arm.state().q.shape == (6 if name == "ur5e" else 7,), "its state goes on"
    assert line in running.said()


@pytest.mark.parametrize(
    ("name", "flags", "changes", "text"),
    [
        ("franka", ("--mode", 5), {}, "stop button"),
        ("franka", ("--load", 8.0), {}, "set the payload"),
        ("ur5e", ("--push", 30.0), {}, "set the payload"),
    ],
)
def test_a_robot_that_is_not_fit_ends_the_process_with_one_line(station, run, name, flags, changes, text):
    running = run(station(name, *flags, **changes))
    assert running.process.wait(120.0) == 2
    assert text in running.said()
    assert len(running.said().splitlines()) == 1


def test_a_missing_library_ends_the_process_with_its_remedy(station, run, monkeypatch):
    path = station("franka")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "vendor-pylibfranka" not in p])
    running = run(path)
    assert running.process.wait(120.0) == 2
    assert "install it with: pip install pylibfranka" in running.said()
    assert len(running.said().splitlines()) == 1
