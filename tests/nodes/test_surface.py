"""The arm's ROS surface: lifecycle, services, parameters, moves, diagnostics; and a second DDS vendor that reads it."""

import importlib.util
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from controllers.guard.lifecycle import Phase
from robot_rl.nodes import messages as ros
from robot_rl.nodes.arm_process import warm_up
from robot_rl.nodes.client import RosRobot
from robot_rl.nodes.launcher import Graph

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]
ACTIVATE, DEACTIVATE = 3, 4
LOOPBACK = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>
<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>60</MaxAutoParticipantIndex><Peers><Peer address="127.0.0.1"/></Peers></Discovery></Domain>
</CycloneDDS>"""
"""For Cyclone DDS: what ROS calls the discovery range LOCALHOST."""


class Surface:
    """A client of every service, and the newest message of some topics."""

    def __init__(self, robot):
        self.robot, self.node, self.heard = robot, robot.process.node, {}
        for topic, kind, qos in (
            ("/diagnostics", DiagnosticArray, ros.RELIABLE),
            ("events", String, ros.LATCHED),
            ("move_to/feedback", JointState, ros.RELIABLE),
        ):
            self.node.create_subscription(kind, topic, lambda m, t=topic: self.heard.__setitem__(t, m), qos)

    def call(self, name, kind=Trigger, **fields):
        client = self.node.create_client(kind, name)
        self.robot.process.wait_for(client.service_is_ready, 10.0)
        future = client.call_async(kind.Request(**fields))
        assert self.robot.process.wait_for(future.done, 15.0), name
        self.node.destroy_client(client)
        return future.result()

    def change(self, transition):
        request = ChangeState.Request()
        request.transition.id = transition
        return self.call("arm/change_state", ChangeState, transition=request.transition).success

    def state(self):
        return self.call("arm/get_state", GetState).current_state.label

    def set(self, name, value):
        parameter = Parameter(name, value=value).to_parameter_msg()
        return self.call("arm/set_parameters", SetParameters, parameters=[parameter]).results[0]

    def phase(self):
        return Phase(int(self.robot.telemetry()["phase"]))

    def until(self, condition, patience=10.0):
        return self.robot.process.wait_for(condition, patience)

    def until_phase(self, phase, patience=10.0):
        self.robot.state()
        return self.until(lambda: self.phase() is phase, patience)


@pytest.fixture(scope="module")
def graph():
    warm_up("reach")
    with Graph("twin", "reach", domain=-1) as started:
        yield started


@pytest.fixture(scope="module")
def surface(graph):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
            patch.setenv(name, graph.env[name])
        with RosRobot() as robot:
            yield Surface(robot)


@pytest.fixture
def arm(surface):
    surface.robot.reset(0)
    return surface


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


def peers():
    spec = importlib.util.spec_from_file_location("peers", ROOT / "benchmarks" / "peers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_second_dds_vendor_reads_the_topics(arm, graph):
    """Cyclone DDS with its own types: the wire is the standard's, not merely ours."""
    try:
        python = peers().peer_python("cyclonedds", ["cyclonedds==11.0.1"])
    except RuntimeError as error:
        pytest.skip(f"no package index: {error}")
    drop = ("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH", "PYTHONPATH")
    env = {k: v for k, v in os.environ.items() if k not in drop} | {"CYCLONEDDS_URI": LOOPBACK}
    call = [str(python), str(Path(__file__).parent / "dds_reader.py"), graph.env["ROS_DOMAIN_ID"]]
    with subprocess.Popen(call, env=env, stdout=subprocess.PIPE, text=True) as reader:
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
