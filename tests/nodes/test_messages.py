"""Standard messages from our records, and back."""

import time
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy")

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, JointState

from robot_rl.nodes import messages as ros

POSE = np.array([0.1, -0.2, 0.3, 0.5, -0.5, 0.5, 0.5])


def test_pose_round_trip():
    message = ros.pose_stamped(POSE, time.monotonic())
    np.testing.assert_array_equal(ros.from_pose(message.pose), POSE)
    assert message.header.frame_id == "base"


def test_stamps_survive_to_a_tenth_of_a_millisecond():
    now = time.monotonic()
    assert ros.to_monotonic(ros.to_time(now)) == pytest.approx(now, abs=1e-4)


def test_float32_does_not_arrive_as_garbage():
    message = ros.named_values(["a", "b"], np.array([0.1, 2.0], np.float32), 1.0)
    there = deserialize_message(serialize_message(message), JointState)
    np.testing.assert_allclose(there.position, [0.1, 2.0], rtol=1e-6)
    pose = ros.to_pose(POSE.astype(np.float32))
    np.testing.assert_allclose(ros.from_pose(pose), POSE, rtol=1e-6)


def test_image_crosses_whole_and_quickly():
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    message = ros.to_image(rgb[:, ::-1], 1.0, "camera_front_optical_frame")
    assert isinstance(message.data, array)
    assert (message.height, message.width, message.step, message.encoding) == (48, 64, 192, "rgb8")
    there = deserialize_message(serialize_message(message), Image)
    np.testing.assert_array_equal(ros.from_image(there), rgb[:, ::-1])


def test_twist_and_wrench_have_linear_first():
    six = np.arange(6.0)
    twist, wrench = ros.twist_stamped(six, 1.0).twist, ros.wrench_stamped(six, 1.0).wrench
    assert (twist.linear.y, twist.angular.x) == (1.0, 3.0)
    assert (wrench.force.z, wrench.torque.z) == (2.0, 5.0)
