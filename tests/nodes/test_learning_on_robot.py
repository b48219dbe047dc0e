"""A learner's actor on a robot's graph: a person activates it, a tracker sees the target, the way home is guarded."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped
from school import School
from wire_station import franka_graph

from robot_rl.core.spec import STATE
from robot_rl.nodes import messages as ros

pytestmark = pytest.mark.timeout(600)
ACTIVATE = 3
TARGET = np.array([0.1, 0.5, 0.6, 0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    with franka_graph(tmp_path_factory.mktemp("station")) as started:
        yield started


def test_the_node_of_the_twin_learns_on_a_robot(graph, surface, tmp_path):
    school, greeted, activated = School(tmp_path), [], []
    tracker = surface.node.create_publisher(PoseStamped, "objects/target", ros.RELIABLE)

    def enough():
        tracker.publish(ros.pose_stamped(TARGET, time.monotonic()))
        surface.robot.process.spin(0.0)
        if school.server.watchers and not greeted:
            greeted.append(time.monotonic())
        if greeted and not activated and time.monotonic() - greeted[0] > 2.5:
            assert surface.robot.telemetry()["resets"] == 0, "nothing moves before a person says so"
            activated.append(surface.change(ACTIVATE))
        return False

    try:
        assert school.run(graph, "--max-steps", 36, enough=enough) == 0
    finally:
        school.server.stop()
    done = school.lines[-1]["done"]
    assert (done["steps"], done["mishaps"], done["delivered"], activated) == (36, 0, True, [True])
    steps = [step.record for step in school.steps()]
    homes = [steps[k].obs[STATE][:7] for k in school.firsts()]
    assert len(homes) == 2
    np.testing.assert_allclose(homes[1], homes[0], atol=0.02)
    assert np.abs(steps[29].obs[STATE][:7] - homes[0]).max() > 0.02, "it had gone somewhere"
    surface.robot.process.spin(time.monotonic() + 0.1)
    assert surface.robot.telemetry()["resets"] == 2
    assert surface.robot.telemetry()["violations"] == 0
    ages = np.array([[s.freshness.observation_age, s.freshness.action_age] for s in steps])
    assert (np.isfinite(ages) & (ages > 0)).all()
