"""What must hold between a controller's parameters and its arm before the first tick (control.md §7)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.law.workspace import workspace_energy
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Array

SHARPEST = 0.3
"""Largest product of damping rate and period at which sampled damping is still well behaved."""
COMMAND_PERIOD = 0.1
"""Time between two commands of a usual policy [s]."""
EPSILON = 1e-6


def task_inertia(model: ArmModel) -> Array:
    """Inertia (6, 6) that the tool centre point shows at the arm's home."""
    jac = model.jacobian(model.home)
    return np.linalg.inv(jac @ np.linalg.solve(model.mass_matrix(model.home), jac.T) + EPSILON * np.eye(6))


def damping_rate(model: ArmModel, stiffness: Array, zeta: float) -> float:
    """Fastest rate [1/s] at which the damping for ``stiffness`` (6,) slows a mode down, at home."""
    squares = np.linalg.eigvals(np.linalg.solve(task_inertia(model), np.diag(stiffness))).real
    return 2.0 * zeta * math.sqrt(max(0.0, float(squares.max())))


def stopping_energy(model: ArmModel, rec: np.void) -> float:
    """Energy [J] spent while the torque of a saturated spring is unwound, at full speed along any one axis, at home."""
    jac, mass = model.jacobian(model.home), model.mass_matrix(model.home)
    back = np.linalg.solve(mass, jac.T) @ task_inertia(model)
    worst = 0.0
    for i, axis in enumerate(np.eye(6)):
        tau = jac.T @ axis * rec["wrench_max"][i // 3]
        dq = back @ axis * rec["v_max"][i // 3]
        worst = max(worst, float(np.sum(np.where(tau * dq > 0, tau**2 * np.abs(dq) / (2 * rec["brake_rate"]), 0.0))))
    return worst


def working_cap(kinetic_max: float, late: float, mass_error: float) -> float:
    """The kinetic energy [J], by the model, above which power is taken out, so that the true one keeps its cap.

    Args:
        kinetic_max: The cap on the true kinetic energy [J].
        late: What the largest power gives the arm while a state is under way [J].
        mass_error: How much heavier than its model the arm may be, as a share.
    """
    if not mass_error >= 0.0 or not late >= 0.0:
        raise ConfigError("controller: mass_error and delay_ticks must not be negative")
    if not late < kinetic_max:
        raise ConfigError(f"controller: {late:.2f} J at P_max while a state is late exceed kinetic_max: lower P_max")
    return (kinetic_max - late) / (1.0 + mass_error)


def _sign_problems(rec: np.void) -> Iterator[tuple[bool, str]]:
    positive = ("period", "zeta", "T0", "P_max", "omega", "kinetic_max", "tau_rate", "brake_rate", "tau_max", "j_max")
    positive += ("feed_forward_rate", "friction_speed", "force_soft", "force_hard", "force_warn", "condition_slow")
    positive += ("error_max", "error_patience", "force_patience")
    positive += ("v_max", "a_max", "leash", "lead_max", "jump_max", "clip", "wrench_max")
    for name in positive:
        yield bool(np.all(rec[name] > 0.0)), f"{name} must be positive"
    not_negative = ("T_res", "stiffness", "k_min", "null_stiffness", "null_damping", "limit_margin", "limit_stiffness")
    not_negative += ("damping_min", "refill_power", "friction_credit", "loss_ticks", "feed_forward_max", "coriolis")
    not_negative += ("friction_coulomb", "friction_viscous", "sigma_min", "sigma_damping", "tilt_max", "retract_speed")
    for name in not_negative:
        yield bool(np.all(rec[name] >= 0.0)), f"{name} must not be negative"
    for name in ("speed_share", "soften_min", "friction_scale", "velocity_feed_forward"):
        yield 0.0 <= rec[name] <= 1.0, f"{name} is a share: give a number from 0 to 1"


def _range_problems(rec: np.void) -> Iterator[tuple[bool, str]]:
    yield rec["force_soft"] <= rec["force_hard"], "force_soft exceeds force_hard: swap them"
    yield rec["condition_slow"] <= rec["condition_stop"], "condition_slow exceeds condition_stop: swap them"
    quats = np.array([rec["task_quat"], rec["box_pose"][3:]])
    yield np.allclose(np.linalg.norm(quats, axis=1), 1.0), "task_quat and box_pose need quaternions of length 1"
    yield rec["period"] <= 0.01, "period must be at most 0.01 s"
    yield rec["T0"] <= rec["T_max"], "T0 exceeds T_max: raise T_max"
    yield bool(np.all(rec["k_min"] <= rec["k_max"])), "k_min exceeds k_max: swap them"
    yield bool(np.all(rec["box_min"] < rec["box_max"])), "box_min is not below box_max: correct the workspace"
    yield bool(np.all(rec["brake_rate"] >= rec["tau_rate"])), "brake_rate is below tau_rate: raise it"


def _arm_problems(rec: np.void, model: ArmModel) -> Iterator[tuple[bool, str]]:
    yield bool(np.all(rec["tau_max"] <= model.tau_max)), f"tau_max exceeds the limits of {model.name}: lower it"
    home = model.forward(model.home)
    outside = workspace_energy(rec, home) > 0.0
    yield not outside, f"the workspace does not contain the home of {model.name}, {np.round(home[:3], 3)}: enlarge it"
    stiffest = np.maximum(np.repeat(rec["k_max"], 3), rec["stiffness"])
    rate = damping_rate(model, stiffest, float(rec["zeta"])) * float(rec["period"])
    yield rate <= SHARPEST, f"damping times period is {rate:.2f}, more than {SHARPEST}: lower k_max or the period"
    if rec["filter_enabled"] == 0:
        return
    paid = rec["P_max"] * COMMAND_PERIOD <= rec["T0"] or math.isinf(rec["P_max"])
    yield paid, "P_max empties the tank within one command: lower P_max or raise T0"
    energy = stopping_energy(model, rec)
    yield rec["T_res"] >= energy, f"T_res does not cover the stopping energy of {energy:.2f} J: raise it"


def check(rec: np.void, model: ArmModel) -> None:
    """Raise ``ConfigError`` at the first thing in a configuration record that does not hold for ``model``."""
    for name in rec.dtype.names or ():
        if np.any(np.isnan(np.asarray(rec[name], dtype=float))):
            raise ConfigError(f"controller parameter {name} is not a number: correct it")
    for problems in (_sign_problems(rec), _range_problems(rec), _arm_problems(rec, model)):
        for fine, message in problems:
            if not fine:
                raise ConfigError(f"controller: {message}")
