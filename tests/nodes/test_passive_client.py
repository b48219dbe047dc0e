"""The arm without ROS: phases, leases, limits and the software stop over shared memory and the desk."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from controllers.guard.lifecycle import Ask, Phase, Reason
from controllers.loop.exchange import shared_path
from controllers.passive_client import PassiveClient
from robot_rl.core.errors import ActivationRefusedError, ConnectionLostError
from robot_rl.core.protocols import Robot
from robot_rl.core.records import Command, Source
from robot_rl.nodes.arm_process import warm_up

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def client():
    warm_up("reach")
    name = f"test.{os.getpid()}.{time.monotonic_ns()}"
    call = [sys.executable, "-m", "robot_rl.nodes.arm_process", "--graph", name, "--task", "reach"]
    process = subprocess.Popen([*call, "--parent", str(os.getpid())])
    with PassiveClient(name, timeout=300.0) as made:
        yield made
    process.terminate()
    process.wait(30.0)
    assert not shared_path(name).exists()


@pytest.fixture
def arm(client):
    client.epoch = 0
    client.reset(0)
    return client


def command(seq, pose, **fields):
    now = time.monotonic()
    times = {"stamp": now, "valid_until": now + 0.5, "duration": 0.1}
    return Command(seq=seq, pose=pose, gripper=0.04, **times, **fields)


def until(condition, patience=10.0):
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def moved(arm, seq, **fields):
    """Ask for a small move; whether the goal follows."""
    target = arm.state().reference + np.array([0.0, 0.01, 0.0, 0, 0, 0, 0])
    arm.send(command(seq, target, **fields))
    return until(lambda: abs(arm.state().reference[1] - target[1]) < 1e-3, 0.5)


def test_it_is_a_robot_that_moves_by_command(arm):
    assert isinstance(arm, Robot)
    assert moved(arm, 1)
    assert "target" in arm.objects()
    assert arm.telemetry()["accepted"] >= 1


def test_a_second_sender_is_refused_but_anyone_may_read_and_stop(arm):
    with pytest.raises(ConnectionLostError, match="another bridge"), PassiveClient(arm.name):
        pass
    with PassiveClient(arm.name, commands=False) as reader:
        assert reader.phase is Phase.ACTIVE
        with pytest.raises(ConnectionLostError, match="only reads"):
            reader.send(command(1, reader.state().reference))
        reader.soft_stop()
    assert until(lambda: arm.phase is Phase.STOPPED)
    assert arm.reason is Reason.STOPPED
    with pytest.raises(ActivationRefusedError, match="not reset: STOPPED"):
        arm.reset(1)
    arm.ask("clear")
    assert until(lambda: arm.phase is Phase.INACTIVE)
    arm.ask("activate")
    assert until(lambda: arm.phase is Phase.ACTIVE), "after a soft start"


def test_a_rest_that_someone_asked_for_is_left_by_request_only(arm):
    arm.exchange.ask(Ask.DAMP)
    assert until(lambda: arm.phase is Phase.DAMP)
    assert not moved(arm, 1)
    arm.ask("activate")
    assert until(lambda: arm.phase is Phase.ACTIVE)
    assert moved(arm, 2)


def test_an_arm_that_waits_for_commands_is_active_enough(arm):
    assert moved(arm, 1)
    assert until(lambda: arm.phase is Phase.DAMP, 3.0), "commands stopped coming"
    assert arm.reason is Reason.STALE
    arm.ask("activate")
    assert moved(arm, 2)
    assert arm.phase is Phase.ACTIVE


def test_a_lease_keeps_others_out(arm):
    epoch = arm.acquire(Source.HUMAN, ttl=20.0)
    assert epoch > 0
    until(lambda: arm.telemetry()["epoch"] == epoch)
    assert moved(arm, 1, source=Source.HUMAN)
    arm.epoch = 0
    ignored = arm.telemetry()["ignored"]
    assert not moved(arm, 2, source=Source.POLICY), "the policy does not own the arm"
    assert until(lambda: arm.telemetry()["ignored"] == ignored + 1)
    with pytest.raises(ActivationRefusedError, match="its owner is human"):
        arm.ask("acquire", {"source": 1, "ttl": 1.0})
    arm.epoch = epoch
    arm.release()
    assert moved(arm, 3, source=Source.POLICY)


def test_limits_only_tighten_while_it_is_active(arm):
    force, moment = arm.ask("status")["limits"]["wrench_max"]
    arm.ask("tighten", {"set": {"wrench_max": [force - 2.0, moment]}})
    assert arm.ask("status")["limits"]["wrench_max"] == [force - 2.0, moment]
    with pytest.raises(ActivationRefusedError, match="wrench_max may not change"):
        arm.ask("tighten", {"set": {"wrench_max": [force, moment]}})
    with pytest.raises(ActivationRefusedError, match="did you mean 'v_max'"):
        arm.ask("tighten", {"set": {"vmax": 1.0}})
    with pytest.raises(ActivationRefusedError, match="may not change"):
        arm.ask("set_preset", {"name": "crisp"})
    arm.ask("deactivate")
    assert until(lambda: arm.phase is Phase.INACTIVE)
    arm.ask("set_preset", {"name": "rl_explore"})
    assert arm.ask("status")["limits"]["wrench_max"] == [force, moment]


def test_a_stiffness_of_six_numbers_and_a_wrench_arrive(arm):
    stiffness = np.array([300.0, 400.0, 500.0, 20.0, 20.0, 25.0])
    assert moved(arm, 1, stiffness=stiffness, feed_forward=np.array([1.0, 0, 0, 0, 0, 0]))
    assert arm.telemetry()["violations"] == 0


def test_the_way_home_and_the_black_box(arm):
    assert moved(arm, 1)
    arm.ask("home")
    assert until(lambda: arm.phase is Phase.HOMING, 1.0)
    assert until(lambda: arm.phase is Phase.ACTIVE, 20.0)
    path = arm.ask("dump_blackbox")["text"]
    assert path.endswith(".npz")
    assert os.path.getsize(path) > 10_000
