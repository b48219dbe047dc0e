"""The arm's ROS surface: lifecycle, services, parameters, moves, diagnostics; and a second DDS vendor that reads it."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from controllers.guard.lifecycle import Phase
from robot_rl.core.errors import ConnectionLostError
from robot_rl.nodes import client
from robot_rl.nodes import messages as ros
from robot_rl.nodes.client import RosRobot

pytestmark = pytest.mark.timeout(600)
ACTIVATE, DEACTIVATE = 3, 4


def test_the_node_and_the_arm_live_the_same_life(arm):
    assert arm.state() == "active"
    assert arm.change(DEACTIVATE)
    assert arm.until_phase(Phase.INACTIVE)
    assert arm.state() == "inactive"
    assert arm.until(lambda: "INACTIVE" in arm.heard["events"].data)
    assert arm.change(ACTIVATE)
    assert arm.until_phase(Phase.SOFT_START, 1.0)
    assert arm.until_phase(Phase.ACTIVE)
    assert arm.state() == "active"


def test_the_software_stop_is_latched_until_it_is_cleared(arm):
    assert arm.call("soft_stop").success
    assert arm.until_phase(Phase.STOPPED)
    assert arm.until(lambda: arm.state() == "inactive")
    assert not arm.change(ACTIVATE), "not while it is latched"
    refused = arm.call("reset")
    assert not refused.success
    assert "STOPPED" in refused.message
    assert arm.call("clear_fault").success
    assert arm.until_phase(Phase.INACTIVE)
    assert arm.change(ACTIVATE)
    assert arm.until_phase(Phase.ACTIVE)
    assert "nothing" in arm.call("clear_fault").message or not arm.call("clear_fault").success


def test_limits_are_parameters_that_only_tighten(arm):
    assert arm.set("limits.force", 15.0).successful
    answer = arm.set("limits.force", 19.0)
    assert not answer.successful
    assert "wrench_max may not change" in answer.reason
    assert "did you mean" in arm.set("preset", "rl_exploer").reason
    assert not arm.set("limits.force", -1.0).successful
    assert arm.change(DEACTIVATE)
    assert arm.until_phase(Phase.INACTIVE)
    assert arm.set("preset", "rl_explore").successful, "any preset while it is inactive"


def test_a_lease_is_taken_and_given_back(arm):
    taken = arm.call("lease", SetBool, data=True)
    assert taken.success
    assert arm.until(lambda: arm.robot.telemetry()["epoch"] == int(taken.message))
    assert not arm.call("lease", SetBool, data=True).success, "of the same rank"
    assert arm.call("lease", SetBool, data=False).success
    assert arm.until(lambda: arm.robot.telemetry()["owner"] == 0)


def ask(arm, service, **values):
    client = arm.node.create_client(SetParametersAtomically, service)
    assert arm.until(client.service_is_ready, 10.0)
    list_ = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
    future = client.call_async(SetParametersAtomically.Request(parameters=list_))
    assert arm.until(future.done, 10.0)
    return future.result().result


def test_a_lease_is_one_call_and_its_end_shows_the_epoch(arm):
    taken = ask(arm, "acquire_lease", source=2, ttl=20.0)
    assert taken.successful
    epoch = int(taken.reason)
    assert "its owner is human" in ask(arm, "acquire_lease", source=2, ttl=20.0).reason
    assert "ended already" in ask(arm, "release_lease", epoch=epoch - 1).reason, "of another"
    assert arm.until(lambda: arm.robot.telemetry()["epoch"] == epoch)
    assert arm.robot.telemetry()["owner"] == 2
    assert ask(arm, "release_lease", epoch=epoch).reason == "released"
    assert arm.until(lambda: arm.robot.telemetry()["owner"] == 0)
    assert not ask(arm, "acquire_lease", source=9, ttl=20.0).successful
    assert not ask(arm, "acquire_lease", ttl=20.0).successful


def test_home_and_the_black_box(arm):
    assert arm.call("home").success
    assert arm.until_phase(Phase.HOMING, 2.0)
    assert arm.until_phase(Phase.ACTIVE, 20.0)
    assert Path(arm.call("dump_blackbox").message).exists()


def test_a_move_in_a_fixed_frame_arrives_with_feedback(arm):
    """``bench`` is 0.5 m in front of base."""
    publisher = arm.node.create_publisher(PoseStamped, "move_to", ros.RELIABLE)
    arm.until(lambda: publisher.get_subscription_count() > 0)
    target = arm.robot.state().ee_pose + np.array([-0.05, 0.12, 0.03, 0, 0, 0, 0])
    message = ros.pose_stamped(target - np.array([0.5, 0, 0, 0, 0, 0, 0]), time.monotonic())
    message.header.frame_id = "bench"
    arm.heard.pop("move_to/feedback", None)
    arm.wake()
    publisher.publish(message)
    said = "move_to/feedback"
    assert arm.until(lambda: said in arm.heard and arm.heard[said].header.frame_id != "moving", 15.0)
    assert arm.heard[said].header.frame_id == "reached"
    np.testing.assert_allclose(arm.robot.state().reference[:3], target[:3], atol=0.005)
    message.pose.position.y += 0.1
    publisher.publish(message)
    assert arm.until(lambda: arm.heard[said].header.frame_id == "moving", 5.0)
    assert arm.call("move_to/cancel").success
    assert arm.until(lambda: arm.heard[said].header.frame_id == "cancelled", 5.0)


def test_diagnostics_have_the_keys_of_ros2_control(arm):
    arm.heard.pop("/diagnostics", None)
    assert arm.until(lambda: "/diagnostics" in arm.heard, 5.0)
    parts = {part.name: part for part in arm.heard["/diagnostics"].status}
    values = {v.key: v.value for v in parts["arm: Controllers Activity"].values}
    assert values["passive_impedance.state"] == "active"
    assert "Avg: " in values["passive_impedance.execution_time"]
    assert values["passive_impedance.periodicity"].endswith("Desired : 1000 Hz")
    average = float(values["passive_impedance.periodicity"].split()[1])
    assert average == pytest.approx(1000.0, rel=0.2), "a busy machine drops ticks now and then"
    assert {v.key for v in parts["arm loop"].values} >= {"missed", "lateness_p99", "loop_stalls", "phase"}
    assert {v.key for v in parts["arm loop"].values} >= {"force_level", "condition", "given_up"}


def test_a_second_dds_vendor_reads_the_topics(arm, second_vendor):
    """Cyclone DDS with its own types: the wire is the standard's, not merely ours."""
    with second_vendor("dds_reader.py") as reader:
        assert arm.until(lambda: reader.poll() is not None, 60.0)
        found = json.loads(reader.stdout.read())
    assert set(found) == {"joint_states", "energy", "robot_state", "current_pose"}
    state, numbers = arm.robot.state(), dict(zip(found["energy"]["name"], found["energy"]["position"], strict=True))
    assert found["joint_states"]["name"][0] == "panda_joint1"
    np.testing.assert_allclose(found["joint_states"]["position"][:7], state.q, atol=0.02)
    np.testing.assert_allclose(found["current_pose"]["pose"][:3], state.ee_pose[:3], atol=0.01)
    assert found["current_pose"]["frame"] == "base"
    assert abs(found["current_pose"]["sec"] - time.time()) < 60
    assert numbers["violations"] == 0
    assert numbers["tank"] + numbers["spring"] + numbers["work"] <= numbers["budget"] + 1e-9
    assert len(found["robot_state"]["name"]) == len(found["robot_state"]["position"])


def test_a_camera_that_is_not_there_is_named_before_the_arm_moves(arm, monkeypatch):
    monkeypatch.setattr(client, "DISCOVERY", 5.0)
    resets, pose = arm.robot.telemetry()["resets"], arm.robot.state().ee_pose
    with (
        pytest.raises(ConnectionLostError, match="camera/ceiling/image_raw after 5 s: start the camera's node"),
        RosRobot(("front", "ceiling")),
    ):
        pass
    assert arm.robot.telemetry()["resets"] == resets
    assert np.abs(arm.robot.state().ee_pose - pose)[:3].max() < 1e-3
