"""Stiffness on command: read, bounded, and changed no faster than the tank pays for it."""

from __future__ import annotations

import numpy as np

from controllers.law.impedance import STALE_DAMPING
from controllers.law.stiffness import (
    FIXED,
    PLAIN,
    TASK,
    TOOL,
    TURNING,
    decompose,
    elastic_energy,
    matrix_into,
    turn_matrix,
)
from controllers.numeric.jit import kernel
from robot_rl.core.records import Array

BISECTIONS = 12
MATRIX_BISECTIONS = 8
"""Fewer where every step takes an eigenvalue problem; the cost that is booked is exact in any case."""
INDEFINITE = -1e-6
"""A matrix with an eigenvalue below this share of its largest is refused."""


@kernel
def _in_range(config: np.void, command: np.void) -> bool:
    n = command.has_stiffness
    if n != 2 and n != 6:
        return n == 0 or n == 21
    for i in range(n):
        part = 2 * i // n
        if not config.k_min[part] <= command.stiffness[i] <= config.k_max[part]:
            return False
    return True


@kernel
def _matrix_of(command: np.void, out: Array) -> None:
    """``out`` (6, 6): 6 numbers are its diagonal, 21 its upper triangle row by row."""
    m = 0
    for i in range(6):
        for j in range(i, 6):
            if command.has_stiffness == 21:
                value = command.stiffness[m]
            else:
                value = command.stiffness[i] if i == j else 0.0
            out[i, j] = value
            out[j, i] = value
            m += 1


@kernel
def bound_modes(config: np.void, k: Array, axes: Array) -> bool:
    """Clamp the modes' stiffness to the range of the preset; False for an indefinite matrix."""
    largest, length = 0.0, axes[6, 2]
    for i in range(6):
        largest = max(largest, abs(k[i]) / (axes[7, i] * axes[7, i]))
    for i in range(6):
        v, square = axes[i], axes[7, i] * axes[7, i]
        if k[i] / square < INDEFINITE * largest:
            return False
        linear = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) * square
        angular = (1.0 - linear) / (length * length)
        low = (linear * config.k_min[0] + angular * config.k_min[1]) * square
        high = (linear * config.k_max[0] + angular * config.k_max[1]) * square
        k[i] = min(max(k[i], low), high)
    return True


@kernel
def read_stiffness(config: np.void, state: np.void, command: np.void) -> bool:
    """The command's stiffness into ``k_candidate`` and ``axes_candidate``; False when it is refused.

    Two or six numbers outside the range of the preset are refused; a matrix is clamped to it, mode by mode.
    """
    if not _in_range(config, command) or not 0 <= command.stiffness_frame <= TOOL:
        return False
    state.axes_candidate[:] = 0.0
    if command.has_stiffness <= 2:
        for i in range(6):
            state.k_candidate[i] = command.stiffness[i // 3]
        return True
    _matrix_of(command, state.matrix_a)
    if command.stiffness_frame == TASK:
        turn_matrix(config.task_quat, state.matrix_a, state.six_a)
    length = config.wrench_max[1] / config.wrench_max[0]
    decompose(state.matrix_a, state.vectors, length, state.k_candidate, state.axes_candidate)
    state.axes_candidate[6, 0] = TURNING if command.stiffness_frame == TOOL else FIXED
    return bound_modes(config, state.k_candidate, state.axes_candidate)


@kernel
def _same(a: Array, b: Array) -> bool:
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] != b[i, j]:
                return False
    return True


@kernel
def _prepare(state: np.void) -> None:
    """``matrix_a``: the present stiffness in the axes of its goal; ``matrix_b``: the goal."""
    now, goal, quat = state.axes[6, 0], state.axes_goal[6, 0], state.reference[3:]
    matrix_into(state.stiffness, state.axes, state.matrix_a)
    matrix_into(state.stiffness_goal, state.axes_goal, state.matrix_b)
    if now == TURNING and goal != TURNING:
        turn_matrix(quat, state.matrix_a, state.six_a)
    if now != TURNING and goal == TURNING:
        back = state.track[3:]
        for i in range(3):
            back[i] = -quat[i]
        back[3] = quat[3]
        turn_matrix(back, state.matrix_a, state.six_a)


@kernel
def _candidate(config: np.void, state: np.void, beta: float, same: bool) -> None:
    """The stiffness ``beta`` of the way to its goal."""
    state.axes_candidate[:] = state.axes_goal
    if beta >= 1.0 or same:
        for i in range(6):
            k = state.stiffness[i]
            state.k_candidate[i] = k + beta * (state.stiffness_goal[i] - k) if beta < 1.0 else state.stiffness_goal[i]
        return
    for i in range(6):
        for j in range(6):
            state.matrix_c[i, j] = state.matrix_a[i, j] + beta * (state.matrix_b[i, j] - state.matrix_a[i, j])
    length = config.wrench_max[1] / config.wrench_max[0]
    decompose(state.matrix_c, state.vectors, length, state.k_candidate, state.axes_candidate)
    if state.axes_candidate[6, 0] == PLAIN:
        state.axes_candidate[6, 0] = FIXED


@kernel
def _cost(config: np.void, state: np.void, beta: float, same: bool) -> float:
    _candidate(config, state, beta, same)
    quat, k, axes = state.reference[3:], state.k_candidate, state.axes_candidate
    return state.soften * (elastic_energy(state.error, quat, k, axes, config.clip, config.wrench_max) - state.elastic)


@kernel
def change_stiffness(config: np.void, state: np.void, allowed: float) -> float:
    """Move the stiffness to its goal as far as ``allowed`` [J] pays; returns the cost, ``elastic`` is kept up."""
    state.beta = 1.0
    same = _same(state.axes, state.axes_goal)
    unchanged = same
    for i in range(6):
        unchanged = unchanged and state.stiffness[i] == state.stiffness_goal[i]
    if unchanged:
        return 0.0
    cost = _cost(config, state, 1.0, same)
    if cost > allowed:
        if not same:
            _prepare(state)
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS if same else MATRIX_BISECTIONS):
            middle = 0.5 * (low + high)
            if _cost(config, state, middle, same) <= allowed:
                low = middle
            else:
                high = middle
        state.beta = low
        if low == 0.0:
            return 0.0
        cost = _cost(config, state, low, same)
    state.damping_age = STALE_DAMPING
    state.stiffness[:] = state.k_candidate
    state.axes[:] = state.axes_candidate
    return cost
