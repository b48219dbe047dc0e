"""A graph, a client on it, and a client of all its services, for the tests of the arm's surface."""

import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from controllers.guard.lifecycle import Phase
from robot_rl.nodes import messages as ros
from robot_rl.nodes.arm_process import warm_up
from robot_rl.nodes.client import RosRobot
from robot_rl.nodes.launcher import Graph

sys.path.append(str(Path(__file__).parent))
ROOT = Path(__file__).parents[2]
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

    def wake(self):
        """An arm that had nothing to do for long lets go of itself, as it does on a busy machine."""
        self.robot.state()
        if self.phase() is not Phase.ACTIVE:
            self.change(3)
            assert self.until_phase(Phase.ACTIVE)

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


@pytest.fixture
def second_vendor(graph):
    """Starts a script of this folder in an environment that has Cyclone DDS and no ROS."""
    spec = util.spec_from_file_location("peers", ROOT / "benchmarks" / "peers.py")
    peers = util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    try:
        python = peers.peer_python("cyclonedds", ["cyclonedds==11.0.1"])
    except RuntimeError as error:
        pytest.skip(f"no package index: {error}")
    drop = ("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH", "PYTHONPATH")
    env = {k: v for k, v in os.environ.items() if k not in drop} | {"CYCLONEDDS_URI": LOOPBACK}

    def start(script):
        call = [str(python), str(Path(__file__).parent / script), graph.env["ROS_DOMAIN_ID"]]
        return subprocess.Popen(call, env=env, stdout=subprocess.PIPE, text=True)

    return start
