"""The filter that keeps the ledger solvent (control.md §2.5, §2.6): modes, allowance, and the scaled reference.

``T`` is the tank, ``V`` what all springs store. Every change of stiffness and reference is paid before it is made.
Then the sum of the work is at most T0 + V0 as long as T + V >= 0, whatever the commands are.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.law.contact import HARD
from controllers.law.ledger import ROUNDING
from controllers.law.stiffness import elastic_energy
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, norm3
from controllers.numeric.rotations import pose_add_into, pose_error_into

HOLD, ACTIVE, LOW, BRAKE, FAULT = range(5)
"""``core.records.Mode`` as the kernels know it."""
HYSTERESIS = 1.5
BISECTIONS = 12
"""Halvings of the share of a step: what is taken may be 1/4096 of it less than what could be paid, never more."""
FAULT_TANK = -1.5
"""A tank emptier than this [J] is a fault: something outside drives the arm."""
FROZEN, BLIND = 5, 15
"""Packets lost in a row beyond which nothing is changed any more, and beyond which the arm brakes."""
FAULT_BARRIER = -0.01
"""A barrier lower than this [J] is a fault: a joint moved faster than its limit."""


@kernel
def reserve(config: np.void, state: np.void) -> float:
    """Energy [J] that the torque still spends while the rate limiter takes it down, plus a margin."""
    r = config.T_res
    for i in range(state.tau.shape[0]):
        if state.tau[i] * state.dq[i] > 0.0:
            r += state.tau[i] * state.tau[i] * abs(state.dq[i]) / (2.0 * config.brake_rate[i])
    return r


@kernel
def choose_mode(config: np.void, state: np.void) -> None:
    """ACTIVE or HOLD, unless the tank runs LOW, must BRAKE or is at FAULT; with hysteresis, FAULT until the reset."""
    before = state.mode
    state.reserve = reserve(config, state)
    tank = state.T - state.overdraft
    normal = ACTIVE if state.valid_until > -math.inf else HOLD
    if before == FAULT or state.bad_ticks > 1:
        state.mode = FAULT
    elif state.force_level == HARD or state.missed > BLIND:
        state.mode = BRAKE
    elif config.filter_enabled == 0:
        state.mode = normal
    elif tank + state.V < -ROUNDING or tank < FAULT_TANK or state.barrier < FAULT_BARRIER:
        state.mode = FAULT
    elif tank < state.reserve * (HYSTERESIS if before == BRAKE else 1.0):
        state.mode = BRAKE
    elif tank < 2.0 * state.reserve * (HYSTERESIS if before == BRAKE or before == LOW else 1.0):
        state.mode = LOW
    else:
        state.mode = normal


@kernel
def allowance(config: np.void, state: np.void) -> float:
    """Energy [J] that this tick's changes may draw from the tank."""
    if config.filter_enabled == 0:
        return math.inf
    if state.mode >= LOW:
        return 0.0
    return min(max(0.0, state.T - state.overdraft - state.reserve), config.P_max * config.period)


@kernel
def leash(config: np.void, state: np.void) -> bool:
    """Keep ``proposal`` within the leash of the measured pose (no wind-up); True when it had to be moved."""
    pose_error_into(state.proposal, state.ee_pose, state.delta)
    moved = False
    for part in range(2):
        start = 3 * part
        length = norm3(state.delta, start)
        limit = max(config.leash[part], norm3(state.error, start))
        if length > limit:
            moved = True
            for i in range(start, start + 3):
                state.delta[i] *= limit / length
    if moved:
        pose_add_into(state.ee_pose, state.delta, state.proposal)
        pose_error_into(state.proposal, state.reference, state.step)
    return moved


@kernel
def _reference_cost(config: np.void, state: np.void, alpha: float, spring: float) -> float:
    """Cost [J] of moving the reference by alpha ``step``; ``candidate`` and ``six_b`` (its error) are left behind."""
    if alpha < 1.0:
        for i in range(6):
            state.delta[i] = alpha * state.step[i]
        pose_add_into(state.reference, state.delta, state.candidate)
    else:
        state.candidate[:] = state.proposal
    pose_error_into(state.ee_pose, state.candidate, state.six_b)
    quat, k, axes = state.candidate[3:], state.stiffness, state.axes
    return state.soften * elastic_energy(state.six_b, quat, k, axes, config.clip, config.wrench_max) - spring


@kernel
def _project(state: np.void, allowed: float) -> None:
    """Take off ``step`` what costs more than ``allowed`` to first order, and no more (metric: the stiffness)."""
    g, size = state.spring_wrench, 0.0
    for i in range(6):
        size += g[i] * g[i] / max(state.stiffness[i], 1.0)
    excess = dot(g, state.step) - allowed
    if excess > 0.0 and size > 1e-12:
        for i in range(6):
            state.step[i] -= g[i] / max(state.stiffness[i], 1.0) * excess / size
        pose_add_into(state.reference, state.step, state.proposal)


@kernel
def scale_reference(config: np.void, state: np.void, allowed: float, spring: float) -> float:
    """Move the reference along ``step`` as far as ``allowed`` [J] pays for it; returns the cost, alpha in ``state``.

    First the tangential part of a too dear step is kept (projection), then the rest is scaled by bisection; the value
    that is booked is the energy of the pose that is really taken, so safety does not depend on the search.
    """
    state.alpha = 1.0
    cost = _reference_cost(config, state, 1.0, spring)
    if cost <= allowed:
        state.reference[:] = state.candidate
        state.error[:] = state.six_b
        return cost
    state.six_a[:] = state.step
    _project(state, allowed)
    cost = _reference_cost(config, state, 1.0, spring)
    low = 1.0 if cost <= allowed else 0.0
    if low == 0.0:
        high = 1.0
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if _reference_cost(config, state, middle, spring) <= allowed:
                low = middle
            else:
                high = middle
        cost = _reference_cost(config, state, low, spring) if low > 0.0 else 0.0
    for i in range(6):
        state.step[i] *= low
    wanted = dot(state.six_a, state.six_a)
    state.alpha = min(1.0, max(0.0, dot(state.six_a, state.step) / wanted)) if wanted > 0.0 else 0.0
    if low > 0.0:
        state.reference[:] = state.candidate
        state.error[:] = state.six_b
    return cost
