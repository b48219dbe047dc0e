"""A move is a chain of near targets that ends at its pose, in time, or says why not."""

from types import SimpleNamespace

import numpy as np

from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.nodes.move import STEP, TIMEOUT, Move

START = np.array([0.4, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])


def test_no_target_is_far_ahead_and_the_last_is_the_pose():
    goal = pose_add(START, np.array([0.3, -0.2, 0.1, 0.0, 0.0, 1.2]))
    move, reference, targets = Move(goal, 0.0), START, []
    for k in range(100):
        command = move.step(SimpleNamespace(reference=reference, gripper=0.02), k, 0.05 * k)
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
    stuck = SimpleNamespace(reference=START, gripper=0.0)
    assert move.step(stuck, 1, 5.0 + TIMEOUT - 0.1) is not None
    assert move.step(stuck, 2, 5.0 + TIMEOUT + 0.1) is None
    assert move.outcome == "timed out"
