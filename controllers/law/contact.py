"""What the arm does when a contact gets too hard, and the share of the springs that is switched on (control.md §3.4).

All task springs are one potential times ``soften``, so softening only ever frees energy, and stiffening again is paid
for like any other change. A soft start ramps the same number.
"""

from __future__ import annotations

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3

FINE, WARN, SOFT, HARD = range(4)
"""Nothing; counted and reported; springs soften and the reference stays out; brakes and retracts."""
RELEASE = 0.8
"""A level is left when the force is below this share of what it began at."""
STIFFEN_RATE = 2.0
"""How fast the springs come back [1/s]."""


@kernel
def _level(config: np.void, force: float, before: int) -> int:
    """The level of a ``force`` [N] that is there now, ``before`` having been the level."""
    level = FINE
    if force > config.force_warn * (RELEASE if before >= WARN else 1.0):
        level = WARN
    if force > config.force_soft * (RELEASE if before >= SOFT else 1.0):
        level = SOFT
    if force > config.force_hard * (RELEASE if before == HARD else 1.0):
        level = HARD
    return level


@kernel
def watch_force(config: np.void, state: np.void) -> None:
    """Filter the contact force and choose ``force_level`` and ``force_factor``, the springs' share.

    A peak and a lasting contact have limits of their own: a force above ``force_warn`` for longer than
    ``force_patience`` [s], which ``contact_time`` counts, is treated as soft. In a singular posture the estimate
    vanishes whatever the force is: then the level stays as it was.
    """
    share = min(1.0, config.force_rate * config.period)
    for i in range(3):
        state.contact_force[i] += share * (state.wrench[i] - state.contact_force[i])
    if state.sigma < 0.5 * config.sigma_min:
        return
    force = norm3(state.contact_force, 0)
    level = _level(config, force, state.force_level)
    state.contact_time = state.contact_time + config.period if level >= WARN else 0.0
    if level == WARN and state.contact_time > config.force_patience:
        level = SOFT
    state.force_level = level
    state.force_factor = 1.0
    if force > config.force_soft and level >= SOFT:
        depth = (force - config.force_soft) / max(config.force_hard - config.force_soft, 1e-9)
        state.force_factor = 1.0 - (1.0 - config.soften_min) * min(max(depth, 0.0), 1.0)


@kernel
def change_softness(config: np.void, state: np.void, allowed: float) -> float:
    """Move ``soften`` towards its goal as far as ``allowed`` [J] pays; returns the cost."""
    wanted = min(max(state.soften_goal, 0.0), 1.0) * state.force_factor
    change = min(wanted - state.soften, STIFFEN_RATE * config.period)
    if change == 0.0:
        return 0.0
    if change * state.elastic > allowed:
        change = allowed / state.elastic
    state.soften += change
    return change * state.elastic


@kernel
def respect_contact(config: np.void, state: np.void) -> None:
    """Take out of ``step`` what leads into a contact that is too hard; at the hard level, retract instead."""
    force = norm3(state.contact_force, 0)
    if state.force_level < SOFT or force <= 0.0:
        return
    into = 0.0
    for i in range(3):
        into += state.step[i] * state.contact_force[i] / force
    for i in range(3):
        out = state.contact_force[i] / force
        if state.force_level == HARD:
            state.step[i] = out * config.retract_speed * config.period
            state.next_velocity[i] = out * config.retract_speed
        else:
            state.step[i] -= min(into, 0.0) * out
