"""The exact energy ledger and the filter that keeps it solvent (control.md §2.3, §2.5, §2.6).

``T`` is the tank, ``V`` what all springs store. One tick settles T += V - V(x) - tau . (q - q_before), which needs
neither a velocity nor a model, and pays for every change of stiffness and reference before it is made.
Then the sum of the work is at most T0 + V0 as long as T + V >= 0, whatever the commands are.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.barrier import unwinding_work
from controllers.impedance import spring_energy
from controllers.jit import kernel
from controllers.linalg import dot, norm3
from controllers.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array

HOLD, ACTIVE, LOW, BRAKE, FAULT = range(5)
"""``core.records.Mode`` as the kernels know it."""
HYSTERESIS = 1.5
BISECTIONS = 24
FAULT_TANK = -1.5
"""A tank emptier than this [J] is a fault: something outside drives the arm."""
ROUNDING = 1e-9
"""Energy [J] that rounding may cost; the ledger is exact to about 1e-14 J."""
FAULT_BARRIER = -0.01
"""A barrier lower than this [J] is a fault: a joint moved faster than its limit."""


@kernel
def settle(model: np.void, config: np.void, state: np.void, spring: float) -> None:
    """Book the work of the torque held since the last tick; ``spring`` is V at the new measurement, unchanged else.

    A tank above T_max loses the surplus, but never what the torque that is still on may yet spend.
    """
    work = 0.0
    for i in range(state.q.shape[0]):
        work += state.tau[i] * (state.q[i] - state.q_before[i])
    state.work += work
    state.T += state.V - spring - work
    state.V = spring
    if state.T > config.T_max:
        spare = state.T + state.V - unwinding_work(config, model.dq_max, state.tau, 1)
        surplus = max(0.0, min(state.T - config.T_max, spare))
        state.discard += surplus
        state.T -= surplus
    if state.work > state.budget + ROUNDING:
        state.violations += 1
    state.worst_ratio = max(state.worst_ratio, state.work / state.budget)


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
    normal = ACTIVE if state.valid_until > -math.inf else HOLD
    if before == FAULT or state.bad_ticks > 1:
        state.mode = FAULT
    elif config.filter_enabled == 0:
        state.mode = normal
    elif state.T + state.V < -ROUNDING or state.T < FAULT_TANK or state.barrier < FAULT_BARRIER:
        state.mode = FAULT
    elif state.T < state.reserve * (HYSTERESIS if before == BRAKE else 1.0):
        state.mode = BRAKE
    elif state.T < 2.0 * state.reserve * (HYSTERESIS if before == BRAKE or before == LOW else 1.0):
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
    return min(max(0.0, state.T - state.reserve), config.P_max * config.period)


@kernel
def _stiffness_cost(config: np.void, state: np.void, beta: float, spring: float) -> float:
    for i in range(6):
        k = state.stiffness[i]
        state.k_candidate[i] = k + beta * (state.stiffness_goal[i] - k) if beta < 1.0 else state.stiffness_goal[i]
    quat = state.reference[3:]
    return spring_energy(state.error, quat, state.k_candidate, config.clip, config.wrench_max) - spring


@kernel
def change_stiffness(config: np.void, state: np.void, allowed: float, spring: float) -> float:
    """Move the stiffness to its goal as far as ``allowed`` [J] pays; returns the cost, ``spring`` was the energy."""
    state.beta = 1.0
    if distance(state.stiffness, state.stiffness_goal) == 0.0:
        return 0.0
    cost = _stiffness_cost(config, state, 1.0, spring)
    if cost > allowed:
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if _stiffness_cost(config, state, middle, spring) <= allowed:
                low = middle
            else:
                high = middle
        state.beta = low
        if low == 0.0:
            return 0.0
        cost = _stiffness_cost(config, state, low, spring)
    state.stiffness[:] = state.k_candidate
    return cost


@kernel
def distance(a: Array, b: Array) -> float:
    """The sum of |a_i - b_i|."""
    s = 0.0
    for i in range(a.shape[0]):
        s += abs(a[i] - b[i])
    return s


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
    return spring_energy(state.six_b, state.candidate[3:], state.stiffness, config.clip, config.wrench_max) - spring


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
    return cost
