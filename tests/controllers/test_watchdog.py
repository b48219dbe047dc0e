"""Stages by age, the clock, the budget of recoveries."""

import math

import pytest

from controllers.guard.watchdog import (
    BACKWARDS,
    DAMP,
    FRESH,
    HOLD,
    IDLE,
    PAUSED,
    STEADY,
    RecoveryBudget,
    clock_state,
    command_stage,
)


@pytest.mark.parametrize(
    ("overdue", "stage"),
    [(-math.inf, FRESH), (0.1, FRESH), (0.101, HOLD), (0.3, HOLD), (0.31, DAMP), (2.0, DAMP), (2.1, IDLE)],
)
def test_the_three_stages_of_commands_that_stay_away(overdue, stage):
    assert command_stage(overdue, 0.1, 0.3, 2.0) == stage


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [(1, 1.001, STEADY), (1, 1.0, BACKWARDS), (1, 0.0, BACKWARDS), (1, 1.03, PAUSED), (1, math.nan, BACKWARDS)],
)
def test_time_goes_on(before, now, state):
    assert clock_state(before, now, 0.02) == state
    assert clock_state(-math.inf, now, 0.02) in (STEADY, BACKWARDS)


def test_three_recoveries_a_minute_and_no_more():
    budget = RecoveryBudget(3, 60.0)
    assert [budget.take(t) for t in (0.0, 10.0, 20.0, 30.0)] == [True, True, True, False]
    assert budget.wait(30.0) == pytest.approx(30.0)
    assert budget.take(60.0)
    assert not budget.take(61.0)
