"""A leader arm's joint states become a hand."""

import numpy as np
import pytest

from controllers.arms.panda import panda
from robot_rl.core.errors import ConfigError
from robot_rl.teleop.leader import Leader, LeaderJoints
from robot_rl.teleop.sample import Inbox

NAMES = tuple(f"l{i}" for i in range(7))
Q = np.array([0.1, -0.5, 0.2, -2.2, 0.1, 1.7, 0.6])


def said(names, positions, **joints):
    inbox = Inbox()
    Leader(panda(), LeaderJoints(**{"joints": NAMES, **joints}), inbox).take(names, positions)
    return inbox.take()


def test_its_tool_is_the_hand_whatever_the_order_of_its_joints():
    order = [3, 1, 0, 2, 6, 5, 4]
    sample = said([NAMES[i] for i in order], Q[order])
    np.testing.assert_allclose(sample.pose, panda().forward(Q))


def test_signs_and_offsets_of_another_maker():
    signs, offsets = (1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0), (0.0, 0.1, 0.0, -0.2, 0.0, 0.3, 0.0)
    theirs = (Q - np.array(offsets)) / np.array(signs)
    sample = said(NAMES, theirs, signs=signs, offsets=offsets)
    np.testing.assert_allclose(sample.pose, panda().forward(Q))


@pytest.mark.parametrize(("position", "grip"), [(0.0, 1.0), (0.02, 0.75), (0.08, 0.0), (0.2, 0.0), (np.nan, None)])
def test_its_gripper(position, grip):
    sample = said([*NAMES, "finger"], [*Q, position], gripper="finger")
    assert sample.grip == (None if grip is None else pytest.approx(grip))


@pytest.mark.parametrize("positions", [Q[:6], [*Q[:6], np.nan]])
def test_a_state_that_lacks_something_moves_nothing(positions):
    assert said(NAMES[: len(positions)], positions).pose is None


def test_settings_that_do_not_fit_are_one_line():
    for wrong in ({"joints": NAMES[:6]}, {"signs": (1.0,)}, {"offsets": (0.0,) * 8}):
        with pytest.raises(ConfigError, match="a leader of 7 joints needs as many"):
            said(NAMES, Q, **wrong)
