"""The ROS graph of a hardware station against a robot on the wire: the twin's surface, but nothing moves by itself."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState
from wire_station import franka_graph

from controllers.guard.lifecycle import Phase
from robot_rl.core.records import Command
from robot_rl.nodes import messages as ros

pytestmark = pytest.mark.timeout(600)
ACTIVATE = 3


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    with franka_graph(tmp_path_factory.mktemp("station")) as started:
        yield started


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
