"""An error that lasts is given up: the reference goes to where the arm is (control.md §1.5)."""

from __future__ import annotations

import numpy as np

from controllers.law.interpolation import hold
from controllers.law.ledger import discard_surplus
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3

SHRINKING = 0.05
"""An error that has become smaller by this share of its bound is being worked on."""


@kernel
def watch_error(model: np.void, config: np.void, state: np.void) -> None:
    """Pull reference and goal to the measured pose when an error beyond ``error_max`` has lasted ``error_patience``.

    The springs' energy goes to the tank: nothing is spent, so this is allowed in every mode. ``error`` is up to date.
    """
    size = max(norm3(state.error, 0) / config.error_max[0], norm3(state.error, 3) / config.error_max[1])
    if size <= 1.0:
        state.error_time, state.error_before = 0.0, 0.0
        return
    state.error_time += config.period
    if size < state.error_before - SHRINKING:
        state.error_time, state.error_before = 0.0, size
    state.error_before = max(size, state.error_before)
    if state.error_time <= config.error_patience:
        return
    state.T += state.soften * state.elastic
    state.V -= state.soften * state.elastic
    state.elastic = 0.0
    discard_surplus(model, config, state)
    state.error[:] = 0.0
    state.reference[:] = state.ee_pose
    state.reference_velocity[:] = 0.0
    state.reference_acceleration[:] = 0.0
    hold(state)
    state.error_time, state.error_before = 0.0, 0.0
    state.given_up += 1
