"""Torques that may give energy away: compensation, feed-forward, posture. One share scales them all (control.md §1.4).

None of them is the gradient of a potential or a damper, so nothing guarantees where their work comes from. They are
scaled so that the power they ask for stays within what the tank may still give in this tick; what they really spend
is settled as work at the next measurement.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.arms.bias import bias_into
from controllers.law.impedance import damping_into
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, matvec_into, matvec_transposed_into
from robot_rl.core.records import Array


@kernel
def _project_null(state: np.void) -> None:
    """``null_b`` := N ``null_a``, N = I - J^T Lambda J M^-1 (dynamically consistent)."""
    matvec_into(state.to_wrench, state.null_a, state.six_a)
    matvec_transposed_into(state.jacobian, state.six_a, state.null_b)
    for i in range(state.dq.shape[0]):
        state.null_b[i] = state.null_a[i] - state.null_b[i]


@kernel
def add_null_damping(config: np.void, state: np.void, tau: Array) -> None:
    """Add -d N N^T dq to ``tau`` (n,): damps the motion that the tool does not see; symmetric, hence dissipative."""
    matvec_transposed_into(state.to_wrench, state.ee_twist, state.null_a)
    for i in range(state.dq.shape[0]):
        state.null_a[i] = -config.null_damping * (state.dq[i] - state.null_a[i])
    _project_null(state)
    for i in range(state.dq.shape[0]):
        tau[i] += state.null_b[i]


@kernel
def _posture(config: np.void, state: np.void) -> None:
    """The posture spring in the null space, faded out where the arm is singular."""
    known = min(1.0, state.sigma / config.sigma_min) if config.sigma_min > 0.0 else 1.0
    for i in range(state.q.shape[0]):
        pull = config.null_stiffness * (config.q_null[i] - state.q[i])
        state.null_a[i] = known * min(max(pull, -config.null_tau_max), config.null_tau_max)
    _project_null(state)
    state.tau_active[:] = state.null_b


@kernel
def _compensate(model: np.void, config: np.void, state: np.void) -> None:
    """Coriolis and friction compensation."""
    if config.coriolis > 0.0:
        bias_into(model, state, state.bias)
        for i in range(state.q.shape[0]):
            state.tau_active[i] += config.coriolis * state.bias[i]
    for i in range(state.q.shape[0]):
        dq = state.dq[i]
        lost = config.friction_coulomb[i] * math.tanh(dq / config.friction_speed) + config.friction_viscous[i] * dq
        lost = min(max(config.friction_scale * lost, -config.friction_max), config.friction_max)
        state.tau_active[i] += lost


@kernel
def _feed_forward(config: np.void, state: np.void) -> None:
    """The commanded wrench, its rate limited, and the share of damping that the reference's own velocity lets pass."""
    wrench, any_of_it = state.delta, False
    for i in range(6):
        wanted = state.feed_forward_goal[i] if state.force_level < 2 else 0.0
        reach = config.feed_forward_rate[i // 3] * config.period
        now = state.feed_forward[i]
        state.feed_forward[i] = min(max(wanted, now - reach), now + reach)
        wrench[i] = state.feed_forward[i]
        any_of_it = any_of_it or wrench[i] != 0.0
    if config.velocity_feed_forward > 0.0:
        any_of_it = True
        for i in range(6):
            state.six_a[i] = config.velocity_feed_forward * state.step[i] / config.period
        damping_into(config, state, state.six_a, state.wanted)
        for i in range(6):
            wrench[i] -= state.wanted[i]
    if any_of_it:
        matvec_transposed_into(state.jacobian, wrench, state.null_a)
        for i in range(state.q.shape[0]):
            state.tau_active[i] += state.null_a[i]


@kernel
def add_active_torque(model: np.void, config: np.void, state: np.void, allowed: float) -> None:
    """Add the active torques to ``tau_wanted``, their power scaled to cost at most ``allowed`` [J] in this tick."""
    _posture(config, state)
    _compensate(model, config, state)
    _feed_forward(config, state)
    power = dot(state.tau_active, state.dq)
    state.gamma_active = 1.0 if power <= 0.0 else min(1.0, max(0.0, allowed) / (config.period * power))
    for i in range(state.q.shape[0]):
        state.tau_wanted[i] += state.gamma_active * state.tau_active[i]
