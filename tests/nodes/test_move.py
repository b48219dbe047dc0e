"""A move is a chain of near targets that ends at its pose, in time, or says why not."""

from types import SimpleNamespace

import numpy as np
import pytest

from controllers.guard.lifecycle import Phase
from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.nodes.move import STEP, TIMEOUT, JointMove, Move

START = np.array([0.4, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])


def test_no_target_is_far_ahead_and_the_last_is_the_pose():
    goal = pose_add(START, np.array([0.3, -0.2, 0.1, 0.0, 0.0, 1.2]))
    move, reference, targets = Move(goal, 0.0), START, []
    for k in range(100):
        command = move.step(SimpleNamespace(reference=reference, ee_pose=reference, gripper=0.02), k, 0.05 * k)
        if command is None:
            break
        error = pose_error(command.pose, reference)
        assert np.linalg.norm(error[:3]) <= STEP[0] + 1e-9
        assert np.linalg.norm(error[3:]) <= STEP[1] + 1e-9
        assert command.gripper == 0.02
        targets.append(command.pose)
        reference = command.pose
    assert move.outcome == "reached"
    np.testing.assert_array_equal(targets[-1], goal)


def test_a_move_that_does_not_arrive_ends():
    move = Move(START + np.array([0, 0.2, 0, 0, 0, 0, 0]), 5.0)
    stuck = SimpleNamespace(reference=START, ee_pose=START, gripper=0.0)
    assert move.step(stuck, 1, 5.0 + TIMEOUT - 0.1) is not None
    assert move.step(stuck, 2, 5.0 + TIMEOUT + 0.1) is None
    assert move.outcome == "timed out"


def test_it_is_over_when_the_arm_is_there_not_when_it_was_told_to():
    goal = START + np.array([0, 0.05, 0, 0, 0, 0, 0])
    move = Move(goal, 0.0)
    behind = SimpleNamespace(reference=goal, ee_pose=START, gripper=0.0)
    command = move.step(behind, 1, 0.1)
    np.testing.assert_array_equal(command.pose, goal)
    assert move.distance == 0.05
    assert move.step(SimpleNamespace(reference=goal, ee_pose=goal, gripper=0.0), 2, 0.2) is None
    assert move.outcome == "reached"
    held = Move(goal, 0.0)
    assert held.step(behind, 1, TIMEOUT + 0.1) is None
    assert held.outcome == "timed out"


@pytest.mark.parametrize(
    ("phases", "q", "outcome"),
    [
        ([Phase.ACTIVE, Phase.HOMING, Phase.HOMING, Phase.SOFT_START], 0.0, "reached"),
        ([Phase.HOMING, Phase.SOFT_START], 0.2, "the arm was stopped on its way"),
        ([Phase.HOMING, Phase.FAULT], 0.0, "the arm is FAULT"),
        ([Phase.ACTIVE] * 3, 0.0, "the arm did not start"),
        ([Phase.HOMING] * 200, 0.0, "timed out"),
    ],
)
def test_a_move_of_the_joints_ends_as_the_arm_ends_it(phases, q, outcome):
    left = iter(phases)
    move, state = JointMove(np.zeros(2), 0.0, lambda: next(left)), SimpleNamespace(q=np.array([0.0, q]))
    for k in range(len(phases)):
        assert not move.outcome
        assert move.step(state, k, 0.51 * (k + 1)) is None
        if move.outcome:
            break
    assert move.outcome == outcome
