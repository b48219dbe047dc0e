"""Which change of a configuration is allowed while the arm moves: one that narrows bounds and widens none."""

from __future__ import annotations

import numpy as np

from controllers.law.variable_stiffness import bound_modes
from controllers.numeric.jit import kernel
from robot_rl.core.errors import ConfigError

LOWER = (
    "stiffness k_max clip wrench_max T0 T_max P_max refill_power friction_credit kinetic_max tau_max tau_rate v_max "
    "a_max j_max leash lead_max jump_max hold_timeout feed_forward_max feed_forward_rate velocity_feed_forward "
    "coriolis friction_scale friction_max null_stiffness null_tau_max force_warn force_patience force_soft force_hard "
    "soften_min retract_speed condition_slow condition_stop error_max error_patience "
    "speed_share box_max tilt_max"
).split()
"""May become smaller."""
HIGHER = "k_min zeta kinetic_rate box_min loss_ticks charge_measured filter_enabled damping_min".split()
"""May become larger."""
FREE = ("T_res",)
"""May change either way: the load-time checks say what it must cover."""
SHAPES = ("half_spaces", "spheres")
"""May get more entries."""


def _may_change(name: str, old: np.void, new: np.void) -> bool:
    if name in LOWER:
        return bool(np.all(new[name] <= old[name]))
    if name in HIGHER:
        return bool(np.all(new[name] >= old[name]))
    if name in FREE:
        return True
    if name in SHAPES:
        count = int(old[f"n_{name}"])
        return bool(np.array_equal(new[name][:count], old[name][:count]))
    if name.removeprefix("n_") in SHAPES:
        return bool(new[name] >= old[name])
    return bool(np.array_equal(new[name], old[name]))


def check_tighter(old: np.void, new: np.void) -> None:
    """Raise ``ConfigError`` at the first parameter of configuration record ``new`` that is looser than in ``old``."""
    for name in old.dtype.names or ():
        if not _may_change(name, old, new):
            raise ConfigError(f"{name} may not change from {old[name]} to {new[name]} now: deactivate the arm first")


@kernel
def clamp_springs(config: np.void, state: np.void) -> None:
    """Bring the stiffness that ``state`` is heading for into the range of ``config``."""
    if state.axes_goal[6, 0] != 0.0:
        bound_modes(config, state.stiffness_goal, state.axes_goal)
        return
    for i in range(6):
        low, high = config.k_min[i // 3], config.k_max[i // 3]
        state.stiffness_goal[i] = min(max(state.stiffness_goal[i], low), high)
