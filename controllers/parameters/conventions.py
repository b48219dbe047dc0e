"""Rotational gains of other controllers, and what a configuration really means in newtons and radians."""

from __future__ import annotations

import math

from controllers.parameters.settings import ControllerConfig
from robot_rl.core.names import check_name

SHARE = {"rotation_vector": 1.0, "quaternion_vector": 0.5}
"""Error per radian of a small rotation, by the convention of the error.

``rotation_vector``: the logarithm, length theta (crisp_controllers, Cartesian-Impedance-Controller, this controller).
``quaternion_vector``: the vector part, length sin(theta / 2) (libfranka's example, SERL, panda-py, deoxys), so that a
nominal 150 N m/rad is 75.
"""


def small_angle_stiffness(nominal: float, convention: str) -> float:
    """True stiffness [N m/rad] for small angles of a ``nominal`` gain on an error of that ``convention``."""
    return nominal * SHARE[check_name("rotational convention", convention, SHARE)]


def small_angle(error: float, convention: str) -> float:
    """The angle [rad] at which an error of that ``convention`` reaches ``error``."""
    check_name("rotational convention", convention, SHARE)
    return error if convention == "rotation_vector" else 2.0 * math.asin(error)


def effective_stiffness(config: ControllerConfig) -> str:
    """What the springs of ``config`` do, in words and true small-angle numbers, for a log or a console."""
    k, text = config.six_stiffnesses(), []
    for name, part, units in (("translation", 0, ("N/m", "m", "N")), ("rotation", 1, ("N m/rad", "rad", "N m"))):
        axes = k[3 * part : 3 * part + 3]
        values = f"{axes[0]:g}" if len(set(axes)) == 1 else " / ".join(f"{x:g}" for x in axes)
        clip, cap = config.clip[part], config.wrench_max[part]
        stiffest = float(max(axes))
        knee = min(clip, cap / stiffest) if stiffest > 0.0 else clip
        text.append(
            f"{name}: {values} {units[0]} (small angles, rotation vector), saturates at {knee:.3g} {units[1]}"
            f" with {stiffest * knee:.3g} {units[2]}; a policy may ask for"
            f" {config.k_min[part]:g} to {config.k_max[part]:g} {units[0]}"
        )
    return "\n".join([*text, guarantee(config)])


def guarantee(config: ControllerConfig) -> str:
    """What is promised about the energy that leaves the controller, with the options of ``config``."""
    if not config.filter_enabled:
        return "energy: no guarantee, the filter is off"
    words = f"energy: strictly passive, at most {config.T0:g} J plus what the springs hold at the start"
    if config.refill_power > 0.0:
        words = f"energy: not strictly passive, power-limited: at most {config.T0:g} J plus {config.refill_power:g} W"
    if any(config.friction_credit):
        words += "; friction is credited, so the promise holds towards the environment, not at the joints"
    return words
