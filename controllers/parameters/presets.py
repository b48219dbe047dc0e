"""Presets of the controller (control.md §7, §1.7)."""

from __future__ import annotations

import math
from dataclasses import replace

from controllers.parameters.conventions import small_angle, small_angle_stiffness
from controllers.parameters.settings import ControllerConfig
from robot_rl.core.errors import ConfigError

__all__ = ["PRESETS", "ControllerConfig", "preset"]


def rl_explore() -> ControllerConfig:
    """Soft, for learning by trial (control.md §7)."""
    return ControllerConfig()


def precise() -> ControllerConfig:
    """Stiff and slow, for tight work (control.md §7)."""
    return ControllerConfig(
        stiffness=(2000.0, 75.0),
        k_min=(500.0, 20.0),
        k_max=(2500.0, 100.0),
        zeta=1.0,
        clip=(0.01, 0.08),
        wrench_max=(25.0, 5.0),
        T0=5.0,
        T_max=8.0,
        P_max=30.0,
        T_res=0.2,
        kinetic_max=0.5,
        v_max=(0.10, 0.4),
        a_max=(1.0, 5.0),
        j_max=(30.0, 100.0),
        feed_forward_max=(20.0, 3.0),
        feed_forward_rate=(500.0, 25.0),
        leash=(0.03, 0.16),
        null_stiffness=10.0,
    )


def human_near() -> ControllerConfig:
    """Gentle and poor in energy, with people within reach (control.md §7).

    Slower than it says there: the saturated spring moves the arm at 0.075 m/s, and at twice that friction alone eats
    half a joule in a few seconds. Less force, so that an arm half as heavy again as its model keeps 140 N on a wall.
    """
    return ControllerConfig(
        stiffness=(300.0, 15.0),
        k_min=(50.0, 5.0),
        k_max=(400.0, 20.0),
        zeta=1.0,
        wrench_max=(10.0, 3.0),
        T0=0.5,
        T_max=1.0,
        P_max=5.0,
        T_res=0.1,
        kinetic_max=0.3,
        v_max=(0.075, 0.5),
        a_max=(1.0, 5.0),
        j_max=(30.0, 100.0),
        feed_forward_max=(0.0, 0.0),
        force_warn=22.0,
        force_soft=30.0,
        force_hard=60.0,
        null_stiffness=2.0,
        null_tau_max=2.0,
        hold_timeout=0.06,
    )


def teach() -> ControllerConfig:
    """No spring at all, a little damping: to be led by hand (control.md §7). Only the walls of the workspace push."""
    return replace(
        human_near(),
        stiffness=(0.0, 0.0),
        k_min=(0.0, 0.0),
        k_max=(0.0, 0.0),
        damping_min=(2.0, 0.1),
        T0=0.2,
        T_max=0.2,
        P_max=2.0,
        kinetic_max=1.0,
        force_warn=math.inf,
        force_soft=math.inf,
        force_hard=math.inf,
        null_stiffness=0.0,
    )


def serl() -> ControllerConfig:
    """The gains of SERL's controller: 2000 N/m, "150 N m/rad" on the quaternion's vector part, clipped at 1 cm.

    Its first-order smoothing of 0.2 s becomes a filter of the same delay; its damping fits the inertia here.
    """
    return replace(
        precise(),
        stiffness=(2000.0, small_angle_stiffness(150.0, "quaternion_vector")),
        clip=(0.01, small_angle(0.05, "quaternion_vector")),
        wrench_max=(20.0, 7.5),
        T_res=0.4,
        omega=10.0,
        v_max=(0.25, 0.8),
        null_stiffness=0.2,
    )


def crisp() -> ControllerConfig:
    """The gains of crisp_controllers' default: 600 N/m, 30 N m/rad on the rotation vector, clipped at 0.1 m, 0.5 rad.

    Friction compensation needs the figures of the arm at hand (``friction_coulomb``), so it is off.
    """
    return ControllerConfig(
        stiffness=(600.0, small_angle_stiffness(30.0, "rotation_vector")),
        zeta=1.0,
        clip=(0.1, 0.5),
        wrench_max=(60.0, 8.0),
        T0=5.0,
        T_max=8.0,
        P_max=30.0,
        T_res=0.5,
        leash=(0.12, 0.6),
        coriolis=1.0,
    )


PRESETS = {
    "rl_explore": rl_explore,
    "precise": precise,
    "human_near": human_near,
    "teach": teach,
    "serl": serl,
    "crisp": crisp,
}


def preset(name: str, period: float = 0.001) -> ControllerConfig:
    """The preset called ``name`` for ticks ``period`` [s] apart; ``ConfigError`` for an unknown name."""
    if name not in PRESETS:
        raise ConfigError(f"unknown controller preset {name!r}: use one of {', '.join(PRESETS)}")
    return replace(PRESETS[name](), period=period)
