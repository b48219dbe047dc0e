"""Who has the arm on the graph: a policy under its lease, a person who takes it and gives it back."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from robot_rl.core.records import Command, Source
from robot_rl.nodes.client import RosRobot

pytestmark = pytest.mark.timeout(600)


def moved(robot, seq, source):
    """Ask for a small move; whether the goal follows."""
    target = robot.state().reference + np.array([0.0, 0.01, 0, 0, 0, 0, 0])
    now = time.monotonic()
    times = {"stamp": now, "valid_until": now + 0.3, "duration": 0.1}
    robot.send(Command(seq=seq, pose=target, gripper=0.04, source=source, **times))
    return robot.process.wait_for(lambda: abs(robot.record["reference"][1] - target[1]) < 1e-3, 0.4)


def owner(robot):
    robot.state()
    return Source(int(robot.telemetry()["owner"]))


def test_a_person_takes_the_arm_from_a_policy_and_gives_it_back(arm):
    policy, ignored = arm.robot, arm.robot.telemetry()["ignored"]
    assert moved(policy, 1, Source.POLICY)
    assert owner(policy) is Source.POLICY
    epoch = policy.telemetry()["epoch"]
    with RosRobot() as person:
        assert moved(person, 1, Source.HUMAN)
        assert owner(person) is Source.HUMAN
        assert person.telemetry()["epoch"] > epoch
        assert not moved(policy, 2, Source.POLICY), "logged, not applied"
        assert not moved(policy, 3, Source.POLICY)
        assert policy.telemetry()["ignored"] == ignored + 2
        assert moved(person, 2, Source.HUMAN), "what was ignored does not disturb"
    assert arm.until(lambda: owner(policy) is Source.IDLE, 2.0)
    assert moved(policy, 4, Source.POLICY), "it has the arm again by itself"
    assert owner(policy) is Source.POLICY


def test_a_lease_that_ended_moves_nothing_and_the_arm_holds(arm):
    arm.robot.lease.end()  # the reset took it anew for whoever had it before
    with RosRobot(ttl=1.0) as robot:
        assert moved(robot, 1, Source.POLICY)
        old = robot.lease._epoch
        time.sleep(1.6)
        assert owner(robot) is Source.IDLE
        held = robot.state().reference
        robot.lease.take = lambda source, ttl: 0  # a client that does not notice
        assert not moved(robot, 2, Source.POLICY)
        assert robot.lease._epoch == old
        np.testing.assert_allclose(robot.state().reference, held, atol=2e-3)
