"""What a controller is told at its start: gains, limits and the energy budget, checked against the arm."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from controllers.arm_model import ArmModel
from controllers.config_checks import check
from controllers.state import config_dtype
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Array

Pair = tuple[float, float]
Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class ControllerConfig:
    """Parameters of the passive impedance controller; pairs are (linear, angular). Defaults: preset ``rl_explore``."""

    period: float = 0.001
    """Time between ticks [s]."""
    stiffness: tuple[float, ...] = (600.0, 30.0)
    """Translational [N/m] and rotational [N m/rad] stiffness, 2 numbers, or 6 for one per axis."""
    k_min: Pair = (50.0, 5.0)
    """Smallest stiffness that a command may ask for [N/m, N m/rad]."""
    k_max: Pair = (1000.0, 50.0)
    """Largest stiffness that a command may ask for [N/m, N m/rad]."""
    zeta: float = 0.9
    """Damping ratio of every mode [-]."""
    clip: Pair = (0.03, 0.15)
    """Displacement at which the springs saturate [m, rad]."""
    wrench_max: Pair = (20.0, 4.0)
    """Largest spring force per axis [N] and moment [N m]."""
    box_min: Triple = (0.2, -0.5, 0.0)
    """Lower corner of the workspace for the reference [m]."""
    box_max: Triple = (0.8, 0.5, 0.8)
    """Upper corner of the workspace for the reference [m]."""
    T0: float = 2.0
    """Energy in the tank after a reset [J]."""
    T_max: float = 4.0
    """Most energy the tank keeps; what would exceed it is discarded [J]."""
    P_max: float = 20.0
    """Largest power drawn from the tank and given to the arm [W]."""
    T_res: float = 0.2
    """Reserve that is never drawn on purpose [J]."""
    kinetic_max: float = 1.0
    """Kinetic energy of the arm above which power is taken out [J]."""
    kinetic_rate: float = 20.0
    """How hard the kinetic energy is kept under its cap [1/s]."""
    tau_max: tuple[float, ...] = ()
    """Torque limits, (n,) [N m]; empty for the arm's own."""
    tau_rate: float = 500.0
    """Torque rate in normal use [N m/s]."""
    brake_rate: float = 1000.0
    """Torque rate when braking [N m/s]."""
    omega: float = 2.0 * np.pi * 6.0
    """Natural frequency of the reference filter [rad/s]."""
    v_max: Pair = (0.25, 0.8)
    """Speed of the reference [m/s, rad/s]."""
    a_max: Pair = (2.0, 5.0)
    """Acceleration of the reference [m/s^2, rad/s^2]."""
    leash: Pair = (0.06, 0.3)
    """Farthest that the reference may lead the measured pose [m, rad]."""
    lead_max: Pair = (0.1, 0.5)
    """Farthest that the goal may lead the reference; a farther command is shortened [m, rad]."""
    jump_max: Pair = (0.3, np.pi / 2)
    """A command further than this from the goal, ``RobotState.reference``, is rejected [m, rad]."""
    hold_timeout: float = 0.1
    """Time after a command's ``valid_until`` at which the arm holds [s]."""
    null_stiffness: float = 5.0
    """Posture spring in the null space [N m/rad]."""
    null_damping: float = 2.0
    """Damping in the null space [N m s/rad]."""
    null_tau_max: float = 5.0
    """Largest torque of the posture spring [N m]."""
    q_null: tuple[float, ...] = ()
    """Posture for the null space, (n,) [rad]; empty for the arm's home."""
    limit_margin: float = 0.1
    """Distance from a joint's end at which its repelling spring starts [rad]."""
    limit_stiffness: float = 100.0
    """Stiffness of the springs at the joints' ends [N m/rad]."""
    limit_damping: float = 2.0
    """Damping there against motion further out [N m s/rad]."""
    wall_stiffness: float = 600.0
    """Stiffness of the walls around the workspace [N/m]."""
    filter_enabled: bool = True
    """Off: the ledger only watches. For experiments in the twin."""

    def record(self, model: ArmModel) -> np.void:
        """What the kernels read; ``ConfigError`` when something does not fit ``model``."""
        rec = np.zeros((), config_dtype(model.n))[()]
        special = {"stiffness", "tau_max", "tau_rate", "brake_rate", "q_null"}
        for field in fields(self):
            if field.name not in special:
                rec[field.name] = getattr(self, field.name)
        rec["stiffness"] = self._six_stiffnesses()
        for name in ("tau_max", "q_null"):
            if getattr(self, name) and len(getattr(self, name)) != model.n:
                raise ConfigError(f"{name} has {len(getattr(self, name))} numbers: {model.name} has {model.n} joints")
        rec["tau_max"] = self.tau_max or model.tau_max
        rec["tau_rate"] = np.minimum(self.tau_rate, model.dtau_max)
        rec["brake_rate"] = np.minimum(self.brake_rate, model.dtau_max)
        rec["q_null"] = self.q_null or model.home
        check(rec, model)
        return rec

    def _six_stiffnesses(self) -> Array:
        k = np.array(self.stiffness, dtype=float)
        if k.shape == (2,):
            k = np.repeat(k, 3)
        if k.shape != (6,):
            raise ConfigError(f"stiffness has {k.size} numbers: give 2 (linear, angular) or 6")
        return k


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
        leash=(0.03, 0.16),
        null_stiffness=10.0,
    )


def human_near() -> ControllerConfig:
    """Gentle and poor in energy, with people within reach (control.md §7)."""
    return ControllerConfig(
        stiffness=(300.0, 15.0),
        k_min=(50.0, 5.0),
        k_max=(400.0, 20.0),
        zeta=1.0,
        wrench_max=(15.0, 3.0),
        T0=0.5,
        T_max=1.0,
        P_max=5.0,
        T_res=0.1,
        kinetic_max=0.3,
        v_max=(0.15, 0.5),
        a_max=(1.0, 5.0),
        null_stiffness=2.0,
        null_tau_max=2.0,
        hold_timeout=0.06,
    )


PRESETS = {"rl_explore": rl_explore, "precise": precise, "human_near": human_near}


def preset(name: str, period: float = 0.001) -> ControllerConfig:
    """The preset called ``name`` for ticks ``period`` [s] apart; ``ConfigError`` for an unknown name."""
    if name not in PRESETS:
        raise ConfigError(f"unknown controller preset {name!r}: use one of {', '.join(PRESETS)}")
    return replace(PRESETS[name](), period=period)
