"""Limits: joint-limit springs and workspace (both in the potential), speed, power, energy, torque and its rate."""

from __future__ import annotations

import math

import numpy as np

from controllers.law.workspace import beyond, workspace_energy
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot
from robot_rl.core.records import Array

BRAKE = 3
SPEED_RATE = 50.0
"""How fast excess joint speed is damped away [1/s]."""
POWER_RATE = 0.2
"""Largest share of the kinetic energy that the cap takes in one tick, so that it never reverses the motion."""


@kernel
def fixed_energy(model: np.void, config: np.void, state: np.void) -> float:
    """Energy [J] of the joint-limit springs and workspace walls: it depends on the arm alone, not on the reference."""
    energy = 0.0
    for i in range(state.q.shape[0]):
        x = beyond(state.q[i], model.q_min[i] + config.limit_margin, model.q_max[i] - config.limit_margin)
        energy += 0.5 * config.limit_stiffness * x * x
    return energy + workspace_energy(config, state.ee_pose)


@kernel
def add_limit_torque(model: np.void, config: np.void, state: np.void, tau: Array) -> None:
    """Add to ``tau`` (n,) the joint-limit springs and their damping against motion further out."""
    for i in range(tau.shape[0]):
        x = beyond(state.q[i], model.q_min[i] + config.limit_margin, model.q_max[i] - config.limit_margin)
        if x != 0.0:
            tau[i] -= config.limit_stiffness * x
            if x * state.dq[i] > 0.0:
                tau[i] -= config.limit_damping * state.dq[i]


@kernel
def speed_limits(model: np.void, q: float, i: int) -> tuple[float, float]:
    """Slowest (negative) and fastest velocity [rad/s] that joint ``i`` may have at ``q`` [rad].

    Some arms, the FR3 among them, allow less towards the ends: -offset + sqrt(2 a (q_end - q)), and never more than
    ``dq_max``.
    """
    if model.dq_curve[i, 1] <= 0.0:
        return -model.dq_max[i], model.dq_max[i]
    offset, a = model.dq_curve[i, 0], model.dq_curve[i, 1]
    up = math.sqrt(2.0 * a * max(0.0, model.dq_curve[i, 3] - q)) - offset
    down = math.sqrt(2.0 * a * max(0.0, q - model.dq_curve[i, 2])) - offset
    return -min(model.dq_max[i], max(0.0, down)), min(model.dq_max[i], max(0.0, up))


@kernel
def limit_speed(model: np.void, config: np.void, state: np.void, tau: Array) -> None:
    """Near a joint's speed limit nothing pushes it further, and beyond ``speed_share`` of it there is damping."""
    for i in range(tau.shape[0]):
        low, high = speed_limits(model, state.q[i], i)
        excess = beyond(state.dq[i], config.speed_share * low, config.speed_share * high)
        if excess != 0.0:
            room = (1.0 - config.speed_share) * model.dq_max[i]
            if tau[i] * excess > 0.0:
                tau[i] *= max(0.0, 1.0 - abs(excess) / room)
            tau[i] -= SPEED_RATE * state.mass[i, i] * excess


@kernel
def limit_power(config: np.void, state: np.void, spring_power: float, tau: Array) -> None:
    """Keep power and kinetic energy under their caps by damping along M dq, the smallest change in the M^-1 metric."""
    allowed = min(config.P_max, config.kinetic_rate * (config.kinetic_max - state.kinetic))
    allowed = min(allowed, max(0.0, state.T - state.overdraft - state.reserve) / config.period + spring_power)
    excess = min(dot(state.dq, tau) - allowed, POWER_RATE * 2.0 * state.kinetic / config.period)
    if excess > 0.0 and state.kinetic > 1e-9:
        factor = excess / (2.0 * state.kinetic)
        for i in range(tau.shape[0]):
            tau[i] -= factor * dot(state.mass[i], state.dq)


@kernel
def limit_torque(config: np.void, state: np.void, tau: Array) -> None:
    """Keep ``tau`` (n,) within +-tau_max and the rate from the applied one.

    BRAKE takes pushing torque to zero, and so does an arm above its cap on kinetic energy: each joint's torque changes
    by its own rate, so that a braking torque that is asked for may go on to push until all joints have followed.
    """
    brakes = state.mode >= BRAKE or (config.filter_enabled != 0 and state.kinetic > config.kinetic_max)
    for i in range(tau.shape[0]):
        wanted = min(max(tau[i], -config.tau_max[i]), config.tau_max[i])
        reach = config.tau_rate[i] * config.period
        if brakes:
            reach = config.brake_rate[i] * config.period
            if wanted * state.dq[i] > 0.0:
                wanted = 0.0
        tau[i] = min(max(wanted, state.tau[i] - reach), state.tau[i] + reach)
