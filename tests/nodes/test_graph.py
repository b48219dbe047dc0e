"""The ROS graph on the real wheels: it comes up, the arm moves, cameras see, faults hold the arm, nothing stays."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

pytest.importorskip("rclpy")

from controllers.loop.exchange import shared_path
from robot_rl.core.errors import CommandRejectedError, ConnectionLostError
from robot_rl.core.records import Command, Mode
from robot_rl.nodes.arm_process import warm_up
from robot_rl.nodes.client import RosRobot
from robot_rl.nodes.launcher import Graph

pytestmark = pytest.mark.timeout(400)
ROS = ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def graph(said):
    warm_up("reach")
    with Graph("twin", "reach", domain=-1, say=said.append) as started:
        yield started


@pytest.fixture(scope="module")
def robot(graph):
    old = {name: os.environ.get(name) for name in ROS}
    os.environ.update({name: graph.env[name] for name in ROS})
    with RosRobot(("front", "wrist")) as joined:
        yield joined
    for name, value in old.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def command(robot, seq, pose):
    now = time.monotonic()
    return Command(stamp=now, seq=seq, valid_until=now + 0.3, duration=0.1, pose=pose, gripper=0.04)


def settle(robot, seconds=0.3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        robot.state()
        time.sleep(0.02)
    return robot.state()


def test_the_arm_moves_5_cm_by_command(robot):
    robot.reset(0)
    start = robot.state().ee_pose
    target = start + np.array([0.0, 0.05, 0, 0, 0, 0, 0])
    for seq in range(1, 16):
        robot.send(command(robot, seq, target))
        time.sleep(0.1)
    state = robot.state()
    np.testing.assert_allclose(state.ee_pose[:3], target[:3], atol=0.004)
    np.testing.assert_allclose(state.reference[:3], target[:3], atol=1e-6)
    assert time.monotonic() - state.stamp < 0.3
    assert state.energy.violations == 0
    assert "target" in robot.objects()


def test_both_cameras_see_and_the_image_follows_the_arm(robot):
    robot.reset(0)
    before = {name: camera.latest(1.0) for name, camera in robot.cameras.items()}
    target = robot.state().ee_pose + np.array([0.0, 0.1, -0.05, 0, 0, 0, 0])
    for seq in range(1, 12):
        robot.send(command(robot, seq, target))
        time.sleep(0.1)
    for name, camera in robot.cameras.items():
        frame = camera.latest(1.0)
        assert frame.rgb.shape == (128, 128, 3)
        assert frame.rgb.dtype == np.uint8
        assert frame.rgb.std() > 10, f"{name} sees nothing"
        assert np.abs(frame.rgb.astype(int) - before[name].rgb).mean() > 1, f"{name} stands still"
        assert frame.stamp > before[name].stamp


def test_equal_seeds_start_equal_scenes(robot):
    robot.reset(7)
    one = robot.objects()["target"], robot.state().q
    robot.reset(8)
    other = robot.objects()["target"]
    robot.reset(7)
    np.testing.assert_array_equal(robot.objects()["target"], one[0])
    np.testing.assert_allclose(robot.state().q, one[1], atol=1e-3)
    assert np.abs(other - one[0]).max() > 1e-3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_command_that_is_not_finite_is_rejected_counted_and_held(robot, bad):
    robot.reset(0)
    start = robot.state()
    count = robot.telemetry()["rejected"]
    robot.send(command(robot, 1, start.ee_pose + np.array([0, 0.2, 0, 0, 0, 0, 0])))
    time.sleep(0.1)
    with pytest.raises(CommandRejectedError):
        robot.send(command(robot, 2, np.full(7, bad)))
    state = settle(robot)
    assert robot.telemetry()["rejected"] == count + 1
    assert np.abs(state.reference[1] - start.ee_pose[1]) < 0.1, "the arm holds where it was, short of the old goal"
    later = settle(robot)
    np.testing.assert_allclose(later.ee_pose[:3], state.ee_pose[:3], atol=2e-3)


def test_out_of_range_is_rejected_by_the_arm_process(robot):
    robot.reset(0)
    start, count = robot.state(), robot.telemetry()["rejected"]
    robot.send(command(robot, 1, start.ee_pose + np.array([0, 5.0, 0, 0, 0, 0, 0])))
    state = settle(robot)
    assert robot.telemetry()["rejected"] == count + 1
    np.testing.assert_allclose(state.ee_pose[:3], start.ee_pose[:3], atol=3e-3)


def test_without_commands_the_arm_holds(robot):
    robot.reset(0)
    start = robot.state().ee_pose
    robot.send(command(robot, 1, start + np.array([0, 0.2, 0, 0, 0, 0, 0])))
    state = settle(robot, 1.0)
    assert 0.0 < state.ee_pose[1] - start[1] < 0.15, "one command is valid for 0.3 s, then the arm holds"
    assert state.energy.mode == Mode.HOLD


def test_every_standard_topic_is_there(robot):
    expected = {
        "/joint_states": "sensor_msgs/msg/JointState",
        "/robot_state": "sensor_msgs/msg/JointState",
        "/energy": "sensor_msgs/msg/JointState",
        "/current_pose": "geometry_msgs/msg/PoseStamped",
        "/reference_pose": "geometry_msgs/msg/PoseStamped",
        "/current_twist": "geometry_msgs/msg/TwistStamped",
        "/external_wrench": "geometry_msgs/msg/WrenchStamped",
        "/objects/target": "geometry_msgs/msg/PoseStamped",
        "/camera/front/image_raw": "sensor_msgs/msg/Image",
        "/camera/wrist/image_raw": "sensor_msgs/msg/Image",
        "/command": "sensor_msgs/msg/JointState",
        "/target_pose": "geometry_msgs/msg/PoseStamped",
        "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
    }
    found = dict(robot.process.node.get_topic_names_and_types())
    assert expected == {name: found.get(name, [None])[0] for name in expected}


def test_a_bare_target_pose_moves_the_arm_only_in_our_frame(robot):
    from geometry_msgs.msg import PoseStamped

    from robot_rl.nodes import messages as ros

    robot.reset(0)
    start = robot.state().ee_pose
    publisher = robot.process.node.create_publisher(PoseStamped, "target_pose", ros.RELIABLE)
    robot.process.wait_for(lambda: publisher.get_subscription_count() > 0, 10.0)
    for frame, low, high in (("nowhere", -0.005, 0.005), ("base", 0.02, 0.04)):
        for _ in range(10):
            message = ros.pose_stamped(start + np.array([0, 0.03, 0, 0, 0, 0, 0]), time.monotonic())
            message.header.frame_id = frame
            publisher.publish(message)
            time.sleep(0.1)
        assert low < robot.state().ee_pose[1] - start[1] < high


def test_a_dead_node_is_named_and_the_arm_holds(robot, graph, said):
    """Last of the healthy graph: it stays halted."""
    robot.reset(0)
    start = robot.state().ee_pose
    robot.send(command(robot, 1, start + np.array([0, 0.2, 0, 0, 0, 0, 0])))
    graph.processes["camera_wrist"].send_signal(signal.SIGKILL)
    graph.processes["camera_wrist"].wait()
    assert graph.watch() == ["camera_wrist"]
    assert "camera_wrist was killed by SIGKILL" in said[-1]
    assert graph.watch() == [], "named once"
    state = settle(robot, 0.5)
    assert robot.telemetry()["halted"] == 1
    assert state.energy.mode == Mode.HOLD
    with pytest.raises(ConnectionLostError, match="holds because the graph is broken"):
        robot.send(command(robot, 2, start))
    with pytest.raises(ConnectionLostError, match="camera_wrist was killed"):
        robot.reset(0)


ORPHAN = """
import sys, time
from robot_rl.nodes.launcher import Graph
with Graph("twin", "reach", domain=-1) as graph:
    print(graph.name, *(p.pid for p in graph.processes.values()), flush=True)
    time.sleep(300)
"""


def test_a_killed_launcher_takes_its_graph_with_it():
    launcher = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    name, *pids = launcher.stdout.readline().split()
    family = [psutil.Process(int(pid)) for pid in pids]
    launcher.kill()
    launcher.wait()
    end = time.monotonic() + 60.0
    while time.monotonic() < end and (any(p.is_running() for p in family) or shared_path(name).exists()):
        time.sleep(0.1)
    assert not any(p.is_running() for p in family)
    assert not shared_path(name).exists()
