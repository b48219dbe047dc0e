"""What the guard does in each phase: soft start, homing, recovery (control.md §3.1, §3.8)."""

from __future__ import annotations

import numpy as np

from controllers.guard.estop import at_rest, release
from controllers.guard.lifecycle import smooth
from controllers.guard.safe_reset import advance_way, is_home
from controllers.guard.watch import (
    ACTIVE,
    ASKED,
    CONTACT,
    DAMPING,
    DONE,
    FAULT,
    NOT_HOME,
    SOFT_START,
    TIMEOUT,
    enter,
)
from controllers.law.tick import reset
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from robot_rl.core.records import Array

TOUCHED_TICKS = 20
"""Ticks that a force must last to end the way home."""
SETTLE = 0.1
"""Time at rest before the way home starts, and after which its end is judged [s]."""
PATIENCE = 2.0
"""Time for the arm to settle at the way's end [s]."""


@kernel
def ramp(guard: np.void, state: np.void, now: float) -> None:
    """Raise the stiffness from nothing, without a step in its slope."""
    state.soften_goal = smooth((now - guard.since) / guard.soft_start)
    if state.soften_goal >= 1.0:
        enter(guard, state, ACTIVE, DONE, now)


@kernel
def refill(arm: np.void, config: np.void, state: np.void, guard: np.void) -> None:
    """At rest, with empty springs: a new ledger with a full tank, all stiffness taken away, the torque as it was."""
    guard.row[:] = state.q
    guard.wanted[:] = state.dq
    guard.tau_before[:] = state.tau
    reset(arm, config, state, guard.row, guard.wanted)
    state.tau[:] = guard.tau_before
    release(state)


@kernel
def start_softly(arm: np.void, config: np.void, state: np.void, guard: np.void, reason: int, now: float) -> None:
    """Begin a soft start where the arm was measured last."""
    refill(arm, config, state, guard)
    enter(guard, state, SOFT_START, reason, now)


@kernel
def _rested(guard: np.void, dq: Array, now: float) -> bool:
    """Whether the arm has been at rest for a moment."""
    if not at_rest(dq, guard.rest_speed):
        guard.rest_since = now
    return now - guard.rest_since >= SETTLE


@kernel
def _judge_home(arm: np.void, config: np.void, state: np.void, guard: np.void, now: float) -> None:
    """At the end of the way: home and at rest, or not."""
    guard.settled_since = min(guard.settled_since, now)
    if _rested(guard, state.dq, now) and is_home(guard, state.q):
        start_softly(arm, config, state, guard, DONE, now)
    elif now - guard.settled_since > PATIENCE:
        enter(guard, state, DAMPING, NOT_HOME, now)


@kernel
def go_home(arm: np.void, config: np.void, state: np.void, guard: np.void, now: float) -> None:
    """One tick of the way home: come to rest, refill the tank, follow the way, judge its end."""
    if norm3(state.wrench, 0) <= guard.home_force or guard.homing == 0:
        guard.contact_since = now
    if now - guard.since > guard.home_timeout:
        enter(guard, state, DAMPING, TIMEOUT, now)
    elif now - guard.contact_since > TOUCHED_TICKS * config.period:
        enter(guard, state, DAMPING, CONTACT, now)
    elif guard.homing == 0:
        if _rested(guard, state.dq, now):
            refill(arm, config, state, guard)
            guard.way[0, :] = state.q
            guard.homing = 1
    elif advance_way(guard, state.q, config.period):
        _judge_home(arm, config, state, guard, now)


@kernel
def recover(arm: np.void, config: np.void, state: np.void, guard: np.void, now: float) -> None:
    """Wait for rest, then start softly; back to the fault if rest does not come."""
    if _rested(guard, state.dq, now):
        start_softly(arm, config, state, guard, ASKED, now)
    elif now - guard.since > PATIENCE:
        enter(guard, state, FAULT, guard.reason, now)
