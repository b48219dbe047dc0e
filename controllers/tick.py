"""One control tick, in the order that the proof needs (control.md §2.3.2), for the twin and the arm process alike."""

from __future__ import annotations

import math

import numpy as np

from controllers.barrier import enforce_barrier
from controllers.impedance import (
    apply_task_inertia,
    damping_modes,
    damping_wrench_into,
    spring_energy,
    spring_wrench_into,
    task_dynamics,
)
from controllers.interpolation import hold, propose
from controllers.jit import kernel
from controllers.kinematics import jacobian_into, link_frames, mass_matrix_into
from controllers.limits import add_limit_torque, add_wall_force, fixed_energy, limit_power, limit_torque
from controllers.linalg import dot, matvec_into, matvec_transposed_into, norm3
from controllers.passivity import (
    allowance,
    change_stiffness,
    choose_mode,
    leash,
    scale_reference,
    settle,
)
from controllers.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array


@kernel
def measure(model: np.void, state: np.void, q: Array, dq: Array) -> None:
    """Take over a measurement: kinematics, inertia, pose and twist of the tool centre point, kinetic energy."""
    state.q[:] = q
    state.dq[:] = dq
    link_frames(model, state.q, state.rot, state.pos, state.ee_pose, state.ee_rot)
    jacobian_into(state.rot, state.pos, state.ee_pose, state.jacobian)
    mass_matrix_into(model, state.rot, state.pos, state.composite, state.mass)
    task_dynamics(state)
    matvec_into(state.jacobian, state.dq, state.ee_twist)
    state.kinetic = 0.0
    for i in range(dq.shape[0]):
        state.kinetic += 0.5 * dq[i] * dot(state.mass[i], state.dq)


@kernel
def external_wrench(state: np.void, tau_external: Array) -> None:
    """The wrench at the tool that explains ``tau_external`` (n,), Lambda J M^-1 tau; keeps the peak force."""
    state.tau_external[:] = tau_external
    matvec_into(state.mass_inv_jt, state.tau_external, state.wrench)
    apply_task_inertia(state, state.wrench)
    state.peak_force = max(state.peak_force, norm3(state.wrench, 0))


@kernel
def reset(model: np.void, config: np.void, state: np.void, q: Array, dq: Array) -> None:
    """Reference and goal where the arm is, tank full, ledger and counters at zero."""
    state.tau[:] = 0.0
    state.reference_velocity[:] = 0.0
    state.stiffness[:] = config.stiffness
    state.stiffness_goal[:] = config.stiffness
    state.omega = config.omega
    measure(model, state, q, dq)
    state.q_before[:] = q
    state.reference[:] = state.ee_pose
    state.candidate[:] = state.ee_pose
    state.V = fixed_energy(model, config, state)
    state.T = config.T0
    state.budget = state.T + state.V
    state.work, state.discard, state.worst_ratio, state.draw, state.barrier = 0.0, 0.0, 0.0, 0.0, 0.0
    state.scale, state.alpha, state.beta, state.gamma_active = 1.0, 1.0, 1.0, 1.0
    state.violations, state.ticks, state.rejected, state.accepted, state.bad_ticks = 0, 0, 0, 0, 0
    state.mode, state.last_code, state.peak_force = 0, 0, 0.0
    state.wrench[:] = 0.0
    state.last_seq[:] = -1
    hold(state)


@kernel
def _finite(q: Array, dq: Array, tau_external: Array) -> bool:
    total = 0.0
    for i in range(q.shape[0]):
        total += q[i] * 0.0 + dq[i] * 0.0 + tau_external[i] * 0.0
    return total == 0.0


@kernel
def _blind(config: np.void, state: np.void) -> None:
    """No measurement: keep the torque for one tick (the ledger settles it exactly later), then take it to zero."""
    state.bad_ticks += 1
    if state.bad_ticks > 1:
        state.mode = 4
        for i in range(state.tau.shape[0]):
            reach = config.brake_rate[i] * config.period
            state.tau[i] = min(max(0.0, state.tau[i] - reach), state.tau[i] + reach)


@kernel
def _follow(config: np.void, state: np.void, spring: float, allowed: float) -> float:
    """Move the reference one step towards the goal as far as the leash and the tank allow; returns the cost [J].

    What is withheld from the step is taken off the goal too, so the goal is always where the reference will really end,
    and the way from one to the other shortens as if nothing had been withheld: pushing against a wall winds nothing up.
    """
    propose(config, state)
    state.wanted[:] = state.step
    leashed = leash(config, state)
    cost = scale_reference(config, state, allowed, spring)
    state.scale = min(state.scale, state.alpha)
    state.reference_velocity[:] = state.next_velocity
    if leashed or state.alpha < 1.0:
        for i in range(6):
            state.delta[i] = state.step[i] - state.wanted[i]
        pose_add_into(state.goal, state.delta, state.goal)
    return cost


@kernel
def _settle(model: np.void, config: np.void, state: np.void) -> float:
    """Settle the ledger at the new measurement, nothing changed yet; returns the energy of the task springs [J]."""
    pose_error_into(state.ee_pose, state.reference, state.error)
    spring = spring_energy(state.error, state.reference[3:], state.stiffness, config.clip, config.wrench_max)
    settle(model, config, state, fixed_energy(model, config, state) + spring)
    state.q_before[:] = state.q
    return spring


@kernel
def _change(config: np.void, state: np.void, spring: float) -> float:
    """Change stiffness and reference as far as the tank pays, and book it; returns what may still be drawn [J]."""
    allowed = allowance(config, state)
    draw = change_stiffness(config, state, allowed, spring)
    left = allowed - max(draw, 0.0)
    moved = _follow(config, state, spring + draw, left)
    state.draw = draw + moved
    state.T -= state.draw
    state.V += state.draw
    pose_error_into(state.ee_pose, state.reference, state.error)
    return left - max(moved, 0.0)


@kernel
def _task_torque(model: np.void, config: np.void, state: np.void) -> float:
    """Springs, walls and damping into ``tau_wanted`` (n,); returns the power of the springs alone [W]."""
    spring_wrench_into(
        state.error, state.reference[3:], state.stiffness, config.clip, config.wrench_max, state.spring_wrench
    )
    add_wall_force(config, state, state.spring_wrench)
    power = dot(state.spring_wrench, state.ee_twist)
    damping_modes(state)
    damping_wrench_into(state, config.zeta, state.ee_twist, state.six_a)
    for i in range(6):
        state.six_a[i] += state.spring_wrench[i]
    matvec_transposed_into(state.jacobian, state.six_a, state.tau_wanted)
    add_limit_torque(model, config, state, state.tau_wanted)
    return power


@kernel
def _null_damping(config: np.void, state: np.void) -> None:
    """``null_b`` := -d N N^T dq, damping of the motion that the tool does not see (symmetric, hence dissipative)."""
    state.six_a[:] = state.ee_twist
    apply_task_inertia(state, state.six_a)
    matvec_transposed_into(state.mass_inv_jt, state.six_a, state.null_a)
    for i in range(state.dq.shape[0]):
        state.null_a[i] = -config.null_damping * (state.dq[i] - state.null_a[i])
    _project_null(state)


@kernel
def _project_null(state: np.void) -> None:
    """``null_b`` := N ``null_a``, N = I - J^T Lambda J M^-1 (dynamically consistent)."""
    matvec_into(state.mass_inv_jt, state.null_a, state.six_a)
    apply_task_inertia(state, state.six_a)
    matvec_transposed_into(state.jacobian, state.six_a, state.null_b)
    for i in range(state.dq.shape[0]):
        state.null_b[i] = state.null_a[i] - state.null_b[i]


@kernel
def _add_null_torque(config: np.void, state: np.void, allowed: float) -> None:
    """Damping and posture spring in the null space. The posture spring is no potential there: it is active, and scaled
    so that the power it asks for stays within ``allowed`` [J] per tick; what it really spends is settled as work."""
    n = state.q.shape[0]
    _null_damping(config, state)
    for i in range(n):
        state.tau_wanted[i] += state.null_b[i]
        pull = config.null_stiffness * (config.q_null[i] - state.q[i])
        state.null_a[i] = min(max(pull, -config.null_tau_max), config.null_tau_max)
    _project_null(state)
    power = dot(state.null_b, state.dq)
    state.gamma_active = 1.0 if power <= 0.0 else min(1.0, max(0.0, allowed) / (config.period * power))
    for i in range(n):
        state.tau_wanted[i] += state.gamma_active * state.null_b[i]


@kernel
def tick(  # noqa: PLR0913  (all that one tick depends on)
    model: np.void, config: np.void, state: np.void, q: Array, dq: Array, tau_external: Array, now: float
) -> None:
    """One tick: measurement in, ``state.tau`` (n,) [N m] out (gravity excluded), to be held until the next tick.

    ``state.tau`` must be the torque that was really applied since the last tick; a backend whose robot reports another
    one writes it there before calling.
    """
    state.ticks += 1
    state.stamp = now
    if not _finite(q, dq, tau_external):
        _blind(config, state)
        return
    measure(model, state, q, dq)
    external_wrench(state, tau_external)
    spring = _settle(model, config, state)
    if now > state.valid_until + config.hold_timeout and state.valid_until > -math.inf:
        hold(state)
    choose_mode(config, state)
    allowed = _change(config, state, spring)
    power = _task_torque(model, config, state)
    _add_null_torque(config, state, allowed)
    if config.filter_enabled != 0:
        limit_power(config, state, power, state.tau_wanted)
    limit_torque(config, state, state.tau_wanted)
    state.null_a[:] = state.tau_wanted
    enforce_barrier(model, config, state, state.null_a)
    state.tau[:] = state.null_a
    state.bad_ticks = 0
