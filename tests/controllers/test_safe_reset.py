"""The way home as a plan: up first, slow enough, free, or refused."""

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.arms.panda_shape import panda_shape
from controllers.guard.collision import BOX, Obstacle, make_shape
from controllers.guard.record import guard_dtype
from controllers.guard.safe_reset import (
    LIFT,
    SPEED,
    advance_way,
    lifted,
    minimum_jerk,
    plan_home,
    segment_time,
    write_way,
)
from robot_rl.core.errors import ActivationRefusedError

ARM = panda()
START = ARM.home + np.array([0.4, 0.3, -0.2, -0.2, 0.1, 0.3, 0.2])


def test_minimum_jerk_rests_at_both_ends():
    s = np.linspace(0, 1, 1001)
    place, slope = np.array([minimum_jerk(v) for v in s]).T
    assert (place[0], place[-1], slope[0], slope[-1]) == (0.0, 1.0, 0.0, 0.0)
    assert np.abs(np.gradient(place, s) - slope)[1:-1].max() < 1e-4


def test_the_tool_rises_straight_up_first():
    above = lifted(ARM, START)
    move = ARM.forward(above) - ARM.forward(START)
    assert np.allclose(move[:3], [0, 0, LIFT], atol=2e-4)
    way = plan_home(ARM, make_shape((), ()), START, ARM.home, 0.02)
    assert len(way) == 3
    assert np.allclose(way[1], above)


def test_no_joint_is_faster_than_its_share():
    seconds = segment_time(ARM, START, ARM.home)
    fastest = 1.875 * np.abs(START - ARM.home) / seconds
    assert (fastest <= SPEED * ARM.dq_max + 1e-9).all()


def test_a_way_through_a_wall_is_refused():
    side = np.array([1.2, *ARM.home[1:]])
    wall = Obstacle(kind=BOX, pos=(0.35, 0.25, 0.5), size=(0.4, 0.01, 0.5))
    assert len(plan_home(ARM, panda_shape(), side, ARM.home, 0.02)) == 3
    with pytest.raises(ActivationRefusedError, match="way home is not free"):
        plan_home(ARM, panda_shape([wall]), side, ARM.home, 0.02)


def test_the_way_waits_for_an_arm_that_lags():
    guard = np.zeros(1, guard_dtype(7))[0]
    guard["home_lag"] = 0.1
    write_way(guard, ARM, [START, ARM.home])
    stuck = START.copy()
    for _ in range(20_000):
        advance_way(guard, stuck, 1e-3)
    assert guard["way_index"] == 0
    place, _ = minimum_jerk(guard["way_clock"] / guard["way_time"][0])
    assert np.abs(place * (ARM.home - START)).max() == pytest.approx(0.1, abs=5e-3)
