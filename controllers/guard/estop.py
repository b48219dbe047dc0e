"""Coming to rest: joint damping in place of every spring, for the software stop and for all faults (control.md §3.7).

An external device remains the authority; this is a stop of category 2: controlled, under power, latched by the guard.
"""

from __future__ import annotations

import numpy as np

from controllers.law.barrier import enforce_barrier
from controllers.law.interpolation import hold
from controllers.law.limits import limit_power, limit_torque
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot
from robot_rl.core.records import Array


@kernel
def release(state: np.void) -> None:
    """Let go of everything: springs off, reference and goal where the tool is.

    This only lowers V; the next settlement books what was stored as a gain of the tank, exactly.
    """
    state.soften, state.soften_goal = 0.0, 0.0
    state.reference[:] = state.ee_pose
    state.reference_velocity[:] = 0.0
    state.reference_acceleration[:] = 0.0
    state.feed_forward[:] = 0.0
    hold(state)


@kernel
def damping_torque(state: np.void, rate: float, tau: Array) -> None:
    """``tau`` (n,) := -rate M dq, which makes every velocity die out alike at ``rate`` [1/s]; nothing that pushes."""
    for i in range(tau.shape[0]):
        tau[i] = -rate * dot(state.mass[i], state.dq)


@kernel
def apply_instead(arm: np.void, config: np.void, state: np.void, before: Array, tau: Array) -> None:
    """Put ``tau`` (n,), within all limits, in the place of the torque that the tick has just chosen.

    ``before`` is the torque that was applied up to now: rate and barrier count from there, so the ledger stays exact.
    ``tau`` is changed.
    """
    state.tau[:] = before
    limit_power(config, state, 0.0, tau)
    limit_torque(config, state, tau)
    enforce_barrier(arm, config, state, tau)
    state.tau[:] = tau


@kernel
def mend_ledger(config: np.void, state: np.void) -> None:
    """A ledger that is no number any more begins anew, with no more than what damping needs to be let through."""
    if not abs(state.T + state.V + state.work) < np.inf:
        state.T, state.V, state.work, state.discard = config.T_res, 0.0, 0.0, 0.0
        state.overdraft = 0.0
    for i in range(state.tau.shape[0]):
        if not abs(state.tau[i]) < np.inf:
            state.tau[i] = 0.0


@kernel
def at_rest(dq: Array, speed: float) -> bool:
    """Whether no joint is faster than ``speed`` [rad/s]."""
    for i in range(dq.shape[0]):
        if not abs(dq[i]) <= speed:
            return False
    return True
