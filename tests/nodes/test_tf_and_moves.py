"""Poses in frames that TF knows, and the move action: on the graph, with the types as they are built."""

import json
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("tf2_msgs.msg", reason="make ros-messages")
pytest.importorskip("robot_rl_msgs.action", reason="make ros-messages")

from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from robot_rl_msgs.action import MoveTo
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage

from controllers.guard.lifecycle import Phase
from controllers.loop.snapshot import COMMAND, names, write_command
from controllers.numeric.rotations import pose_inverse, pose_multiply
from robot_rl.core.records import Command
from robot_rl.nodes import messages as ros
from robot_rl.nodes.frames import TF, _transform

pytestmark = pytest.mark.timeout(600)
STANDARD = "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"
"""Of tf2_msgs/msg/TFMessage in ROS 2 Jazzy."""
TURNED = np.array([0.1, 0.2, 0.05, 0.0, 0.0, np.sin(0.4), np.cos(0.4)])


class Tag:
    """Publishes a moving frame, as a camera's node would."""

    def __init__(self, arm):
        self.arm = arm
        self.publisher = arm.node.create_publisher(TFMessage, "/tf", TF)
        arm.until(lambda: self.publisher.get_subscription_count() > 0)

    def tell(self, pose=TURNED, parent="base"):
        self.publisher.publish(TFMessage(transforms=[_transform(parent, "tag", pose, time.monotonic())]))


@pytest.fixture
def tag(arm):
    made = Tag(arm)
    yield made
    arm.node.destroy_publisher(made.publisher)


def seen_from_tag(pose):
    """A pose seen from base, as seen from a tag at ``TURNED``."""
    return pose_multiply(pose_inverse(TURNED), pose)


def stamped(pose, frame, stamp=None):
    message = ros.pose_stamped(pose, time.monotonic() if stamp is None else stamp)
    message.header.frame_id = frame
    return message


def refused(arm):
    arm.heard.pop("/diagnostics", None)
    arm.until(lambda: "/diagnostics" in arm.heard, 5.0)
    loop = next(part for part in arm.heard["/diagnostics"].status if part.name == "arm loop")
    return int(next(v.value for v in loop.values if v.key == "frames_refused"))


def test_the_types_are_the_standards(arm, tag):
    assert tag.publisher.get_subscription_count() >= 1
    found = arm.node.get_publishers_info_by_topic("/tf")
    assert {str(info.topic_type_hash) for info in found} == {STANDARD}


def test_a_target_in_a_frame_of_tf_is_followed_where_the_frame_was(arm, tag):
    """Stamped now, when the frame's next place has not come yet: the pose waits for it instead of guessing."""
    publisher = arm.node.create_publisher(PoseStamped, "target_pose", ros.RELIABLE)
    arm.until(lambda: publisher.get_subscription_count() > 0)
    start = arm.robot.state().ee_pose
    wanted = start + np.array([0.0, 0.03, 0, 0, 0, 0, 0])
    for _ in range(12):
        tag.tell()
        publisher.publish(stamped(seen_from_tag(wanted), "tag"))
        time.sleep(0.03)
        tag.tell()
        arm.robot.state()
        time.sleep(0.06)
    np.testing.assert_allclose(arm.robot.state().reference[:3], wanted[:3], atol=3e-3)


@pytest.mark.parametrize(("frame", "ahead"), [("tga", 0.0), ("tag", 5.0), ("tag", -60.0)])
def test_an_unknown_frame_and_a_time_out_of_range_are_refused_and_counted(arm, tag, frame, ahead):
    publisher = arm.node.create_publisher(PoseStamped, "target_pose", ros.RELIABLE)
    arm.until(lambda: publisher.get_subscription_count() > 0)
    tag.tell()
    before, start = refused(arm), arm.robot.state()
    publisher.publish(stamped(seen_from_tag(start.ee_pose + 0.05), frame, time.monotonic() + ahead))
    time.sleep(0.5)
    assert refused(arm) == before + 1
    np.testing.assert_allclose(arm.robot.state().reference, start.reference, atol=1e-6)


def test_a_whole_command_may_come_in_a_frame_of_tf(arm, tag):
    publisher = arm.node.create_publisher(JointState, "command", ros.RELIABLE)
    arm.until(lambda: publisher.get_subscription_count() > 0)
    wanted = arm.robot.state().reference + np.array([0.0, 0.02, 0, 0, 0, 0, 0])
    record, pose = np.zeros((), COMMAND), seen_from_tag(wanted)
    for seq in range(1, 20):
        tag.tell()
        now = time.monotonic()
        times = {"stamp": now, "valid_until": now + 1.0, "duration": 0.1}
        write_command(record, Command(seq=seq, pose=pose, gripper=0.04, **times))
        message = ros.named_values(names(COMMAND), record.reshape(1).view(np.float64), now)
        message.header.frame_id = "tag"
        publisher.publish(message)
        time.sleep(0.02)
        tag.tell()
        arm.until(lambda: False, 0.05)
    np.testing.assert_allclose(arm.robot.state().reference[:3], wanted[:3], atol=1e-3)


def test_a_second_dds_vendor_speaks_tf_with_the_arm(arm, second_vendor):
    """Cyclone DDS, its own types: it moves the arm by a frame of its own, and hears where the tool is."""
    with second_vendor("dds_tf.py") as other:
        publisher = arm.node.create_publisher(PoseStamped, "move_to", ros.RELIABLE)
        arm.until(lambda: publisher.get_subscription_count() > 0)
        heard = {}
        while "base/tool" not in heard or "base/bench" not in heard or "base/tag" not in heard:
            heard = json.loads(other.stdout.readline())
        np.testing.assert_allclose(heard["base/tool"], arm.robot.state().ee_pose[:3], atol=0.01)
        assert heard["base/bench"] == [0.5, 0.0, 0.0]
        wanted = arm.robot.state().ee_pose + np.array([0.02, 0.03, 0.02, 0, 0, 0, 0])
        message = stamped(wanted - np.array([0.1, 0.2, 0.1, 0, 0, 0, 0]), "shelf")
        message.header.stamp.sec = message.header.stamp.nanosec = 0
        arm.heard.pop("move_to/feedback", None)
        arm.wake()
        publisher.publish(message)
        said = "move_to/feedback"
        assert arm.until(lambda: said in arm.heard and arm.heard[said].header.frame_id != "moving", 15.0)
        assert arm.heard[said].header.frame_id == "reached"
        np.testing.assert_allclose(arm.robot.state().reference[:3], wanted[:3], atol=0.005)
        other.terminate()  # killed, it would count as a listener of the next test's frames until its lease ends


class Client:
    """Of the action."""

    def __init__(self, arm):
        self.arm, self.client, self.feedback = arm, ActionClient(arm.node, MoveTo, "move_to"), []
        assert arm.until(self.client.server_is_ready)

    def start(self, **fields):
        self.arm.wake()
        goal = MoveTo.Goal(**fields)
        future = self.client.send_goal_async(goal, feedback_callback=lambda m: self.feedback.append(m.feedback))
        assert self.arm.until(future.done)
        self.handle = future.result()
        assert self.handle.accepted
        self.future = self.handle.get_result_async()

    def end(self, patience=30.0):
        assert self.arm.until(self.future.done, patience)
        found = self.future.result()
        return found.status, found.result.reached, found.result.reason


@pytest.fixture
def client(arm):
    made = Client(arm)
    yield made
    made.client.destroy()


def test_a_goal_in_a_frame_arrives_with_feedback(arm, tag, client):
    wanted = arm.robot.state().ee_pose + np.array([-0.04, 0.1, 0.02, 0, 0, 0, 0])
    tag.tell()
    message = stamped(seen_from_tag(wanted), "tag")
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    for _ in range(10):  # nothing orders a frame and a goal that come by different ways
        tag.tell()
        arm.until(lambda: False, 0.04)
    client.start(pose=message)
    assert client.end() == (GoalStatus.STATUS_SUCCEEDED, True, "reached")
    np.testing.assert_allclose(arm.robot.state().reference[:3], wanted[:3], atol=0.005)
    distances = [f.distance for f in client.feedback]
    assert len(distances) > 5
    assert distances[0] > 0.05 > distances[-1]


def test_a_goal_ends_with_its_reason(arm, tag, client):
    tag.tell()
    client.start(pose=stamped(arm.robot.state().ee_pose, "tga"))
    status, reached, reason = client.end()
    assert (status, reached) == (GoalStatus.STATUS_ABORTED, False)
    assert "give the pose in one of: base, bench" in reason
    assert "tag, tool" in reason
    far = stamped(arm.robot.state().ee_pose + np.array([0, 0.15, 0, 0, 0, 0, 0]), "base")
    client.start(pose=far)
    arm.until(lambda: len(client.feedback) > 2)
    cancelled = client.handle.cancel_goal_async()
    assert client.end() == (GoalStatus.STATUS_CANCELED, False, "cancelled")
    assert cancelled.done()
    arm.until(lambda: False, 0.3)
    still = arm.robot.state().reference
    assert abs(still[1] - far.pose.position.y) > 0.02, "it stopped on its way"
    arm.until(lambda: False, 0.3)
    np.testing.assert_allclose(arm.robot.state().reference, still, atol=2e-3)
    client.start(pose=far)
    first = client.future
    client.start(pose=stamped(still, "base"))
    assert arm.until(first.done)
    assert first.result().result.reason == "a newer move took its place"
    assert client.end()[2] == "reached"


def test_a_goal_may_be_joint_positions(arm, client):
    wanted = arm.robot.state().q + np.array([0.2, 0, 0, 0, 0, 0, 0.2])
    client.start(joints=wanted.tolist())
    assert client.end() == (GoalStatus.STATUS_SUCCEEDED, True, "reached")
    assert np.abs(arm.robot.state().q - wanted).max() < 0.05
    assert arm.until_phase(Phase.ACTIVE)
    client.start(joints=[0.0, 0.0])
    status, _, reason = client.end()
    assert status == GoalStatus.STATUS_ABORTED
    assert "7" in reason
