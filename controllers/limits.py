"""Limits: joint-limit springs and workspace walls (both in the potential), power, energy, torque and its rate."""

from __future__ import annotations

import numpy as np

from controllers.impedance import huber, huber_force
from controllers.jit import kernel
from controllers.linalg import dot
from robot_rl.core.records import Array

BRAKE = 3
POWER_RATE = 0.2
"""Largest share of the kinetic energy that the cap takes in one tick, so that it never reverses the motion."""


@kernel
def _beyond(x: float, low: float, high: float) -> float:
    """How far ``x`` is outside [low, high], with its sign; 0 inside."""
    if x > high:
        return x - high
    return x - low if x < low else 0.0


@kernel
def fixed_energy(model: np.void, config: np.void, state: np.void) -> float:
    """Energy [J] of the joint-limit springs and workspace walls: it depends on the arm alone, not on the reference."""
    energy = 0.0
    for i in range(state.q.shape[0]):
        x = _beyond(state.q[i], model.q_min[i] + config.limit_margin, model.q_max[i] - config.limit_margin)
        energy += 0.5 * config.limit_stiffness * x * x
    for i in range(3):
        x = _beyond(state.ee_pose[i], config.box_min[i], config.box_max[i])
        energy += huber(x, config.wall_stiffness, 1.0, config.wrench_max[0])
    return energy


@kernel
def add_limit_torque(model: np.void, config: np.void, state: np.void, tau: Array) -> None:
    """Add to ``tau`` (n,) the joint-limit springs and their damping against motion further out."""
    for i in range(tau.shape[0]):
        x = _beyond(state.q[i], model.q_min[i] + config.limit_margin, model.q_max[i] - config.limit_margin)
        if x != 0.0:
            tau[i] -= config.limit_stiffness * x
            if x * state.dq[i] > 0.0:
                tau[i] -= config.limit_damping * state.dq[i]


@kernel
def add_wall_force(config: np.void, state: np.void, wrench: Array) -> None:
    """Add to ``wrench`` (6,) the force of the workspace walls."""
    for i in range(3):
        x = _beyond(state.ee_pose[i], config.box_min[i], config.box_max[i])
        wrench[i] -= huber_force(x, config.wall_stiffness, 1.0, config.wrench_max[0])


@kernel
def limit_power(config: np.void, state: np.void, spring_power: float, tau: Array) -> None:
    """Keep power and kinetic energy under their caps by damping along M dq, the smallest change in the M^-1 metric."""
    allowed = min(config.P_max, config.kinetic_rate * (config.kinetic_max - state.kinetic))
    allowed = min(allowed, max(0.0, state.T - state.reserve) / config.period + spring_power)
    excess = min(dot(state.dq, tau) - allowed, POWER_RATE * 2.0 * state.kinetic / config.period)
    if excess > 0.0 and state.kinetic > 1e-9:
        factor = excess / (2.0 * state.kinetic)
        for i in range(tau.shape[0]):
            tau[i] -= factor * dot(state.mass[i], state.dq)


@kernel
def limit_torque(config: np.void, state: np.void, tau: Array) -> None:
    """Keep ``tau`` (n,) within +-tau_max and the rate from the applied one; BRAKE takes pushing torque to zero."""
    for i in range(tau.shape[0]):
        wanted = min(max(tau[i], -config.tau_max[i]), config.tau_max[i])
        reach = config.tau_rate[i] * config.period
        if state.mode >= BRAKE and wanted * state.dq[i] > 0.0:
            wanted = 0.0
        if state.mode >= BRAKE:
            reach = config.brake_rate[i] * config.period
        tau[i] = min(max(wanted, state.tau[i] - reach), state.tau[i] + reach)
