"""Leases, epochs, ranks; the hand-over; a person's device."""

import math

import numpy as np
import pytest

from controllers.guard.arbitration import (
    BLEND,
    EXPIRED_LEASE,
    GRANTED,
    NOT_OWNER,
    Hysteresis,
    admit,
    blend,
    give_back,
    grant,
    start_blend,
)
from controllers.guard.record import guard_dtype
from controllers.law.state import state_dtype
from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.core.records import Source

POLICY, HUMAN, RESET = int(Source.POLICY), int(Source.HUMAN), int(Source.RESET)


@pytest.fixture
def guard():
    rec = np.zeros(1, guard_dtype(7))[0]
    rec["lease_until"] = rec["blend_start"] = -math.inf
    return rec


def test_one_owner_at_a_time_by_rank(guard):
    epoch = grant(guard, POLICY, 1.0, 0.0)
    assert epoch == 1
    assert grant(guard, POLICY, 1.0, 0.5) == 0, "another policy waits"
    assert grant(guard, HUMAN, 1.0, 0.5) == 2
    assert admit(guard, POLICY, epoch, 0.6) == EXPIRED_LEASE
    assert grant(guard, RESET, 1.0, 0.6) == 0
    assert admit(guard, HUMAN, 2, 0.6) == GRANTED


def test_a_lease_ends_and_its_epoch_is_worth_nothing_then(guard):
    epoch = grant(guard, POLICY, 0.2, 0.0)
    assert admit(guard, POLICY, epoch, 0.15) == GRANTED
    assert admit(guard, POLICY, epoch, 0.3) == GRANTED, "each command renews it"
    assert admit(guard, POLICY, epoch, 0.6) == EXPIRED_LEASE
    assert grant(guard, POLICY, 0.2, 0.6) == epoch + 1
    assert give_back(guard, epoch + 1)
    assert not give_back(guard, epoch + 1)
    assert admit(guard, POLICY, epoch + 1, 0.61) == EXPIRED_LEASE


def test_without_a_lease_the_higher_rank_takes_over_and_keeps_it_for_a_moment(guard):
    assert admit(guard, POLICY, 0, 0.0) == GRANTED
    assert admit(guard, HUMAN, 0, 0.1) == GRANTED
    assert admit(guard, POLICY, 0, 0.2) == NOT_OWNER
    assert admit(guard, HUMAN, 0, 0.5) == GRANTED
    assert admit(guard, POLICY, 0, 1.1) == GRANTED, "half a second after her last command"
    assert grant(guard, POLICY, 1.0, 1.2) == 0


@pytest.mark.parametrize("bad", [(9, 1.0), (0, 1.0), (POLICY, 0.0), (POLICY, math.inf), (POLICY, math.nan)])
def test_leases_that_make_no_sense_are_refused(guard, bad):
    assert grant(guard, bad[0], bad[1], 0.0) == 0


def test_the_hand_over_is_smooth_and_takes_a_tenth_of_a_second(guard):
    state = np.zeros(1, state_dtype(7))[0]
    start = np.array([0.4, 0.0, 0.4, 1.0, 0.0, 0.0, 0.0])
    target = pose_add(start, np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.5]))
    admit(guard, POLICY, 0, 0.0)
    admit(guard, HUMAN, 0, 1.0)
    state["goal"] = target
    start_blend(guard, state, start, 1.0)
    assert np.array_equal(state["goal"], start)
    ways = []
    for k in range(1, 131):
        blend(guard, state, 1.0 + k * 1e-3, 1e-3)
        ways.append(pose_error(state["goal"], start))
    ways = np.array(ways)
    assert np.allclose(ways[-1], [0.1, 0, 0, 0, 0, 0.5], atol=1e-9)
    assert np.allclose(ways[:, 5], 5.0 * ways[:, 0], atol=1e-9), "along the geodesic"
    assert np.abs(np.diff(ways[:, 0])).max() < 1.6 * 0.1 / (BLEND * 1e3)
    assert ways[49, 0] == pytest.approx(0.05, abs=1e-3)


def test_a_device_that_trembles_takes_nothing():
    device = Hysteresis(threshold=0.1)
    assert not any(device.update(0.2 if k % 3 else 0.05, k * 0.01) for k in range(100))
    assert [device.update(0.2, 2.0 + t) for t in (0.0, 0.03, 0.06)] == [False, False, True]
    assert device.update(0.0, 2.3)
    assert device.update(0.0, 2.7)
    assert not device.update(0.0, 2.9)
