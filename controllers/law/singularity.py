"""How near the arm is to a singular posture, and the damping of the task inertia there (control.md §3.5)."""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import cholesky_into, dot, solve_lower, solve_upper

FLOOR = 1e-12
"""Added to J J^T, so that its factor exists in a singular posture too."""
FIRST_STEPS = 30
"""Inverse iterations when nothing is known yet; later one per tick, from the last direction, is enough."""


@kernel
def smallest_singular_value(state: np.void) -> None:
    """``sigma`` := smallest singular value of J (metres and radians mixed), by inverse iteration on J J^T.

    ``singular`` (6,) keeps the direction from tick to tick. Scratch: ``matrix_a``, ``matrix_b``.
    """
    gram, factor, x = state.matrix_a, state.matrix_b, state.singular
    for i in range(6):
        for j in range(i + 1):
            gram[i, j] = dot(state.jacobian[i], state.jacobian[j])
        gram[i, i] += FLOOR
    cholesky_into(gram, factor)
    steps, size = 2, dot(x, x)
    if not size > 0.0:
        steps = FIRST_STEPS
        for i in range(6):
            x[i] = 1.0 + 0.1 * i
    for _ in range(steps):
        size = 1.0 / math.sqrt(dot(x, x))
        for i in range(6):
            x[i] *= size
        solve_lower(factor, x)
        solve_upper(factor, x)
    state.sigma = math.sqrt(1.0 / math.sqrt(dot(x, x)))
    size = 1.0 / math.sqrt(dot(x, x))
    for i in range(6):
        x[i] *= size


@kernel
def added_mobility(config: np.void, state: np.void) -> float:
    """What the task mobility J M^-1 J^T gets on its diagonal: 0 far from singularities, and it starts smoothly."""
    if state.sigma >= config.sigma_min:
        return 0.0
    return config.sigma_damping * (1.0 - state.sigma / config.sigma_min) ** 2
