"""One control tick, in the order that the proof needs (control.md §2.3.2), for the twin and the arm process alike."""

from __future__ import annotations

import math

import numpy as np

from controllers.law.active import add_active_torque, add_null_damping
from controllers.law.barrier import enforce_barrier
from controllers.law.chunk import shift_waypoints
from controllers.law.contact import SOFT, change_softness, respect_contact, watch_force
from controllers.law.impedance import STALE_DAMPING, damping_into, damping_modes, damping_modes_of
from controllers.law.interpolation import hold
from controllers.law.ledger import count_lost, settle
from controllers.law.limits import add_limit_torque, fixed_energy, limit_power, limit_speed, limit_torque
from controllers.law.measure import external_wrench, finite, measure, task_space
from controllers.law.passivity import FROZEN, allowance, choose_mode, leash, scale_reference
from controllers.law.singularity import respect_singularity
from controllers.law.stiffness import elastic_energy, elastic_wrench, task_stiffness_into
from controllers.law.tracking import watch_error
from controllers.law.trajectory import CHUNK, propose
from controllers.law.variable_stiffness import change_stiffness
from controllers.law.workspace import add_workspace_wrench, leave_spheres
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, matvec_transposed_into
from controllers.numeric.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array

__all__ = ["external_wrench", "measure", "reset", "tick"]


@kernel
def reset(model: np.void, config: np.void, state: np.void, q: Array, dq: Array) -> None:
    """Reference and goal where the arm is, tank full, ledger and counters at zero."""
    state.modes[:] = 0.0
    state.damping_age = STALE_DAMPING
    state.tau[:] = 0.0
    state.wrench[:] = 0.0
    state.contact_force[:] = 0.0
    state.feed_forward[:] = 0.0
    state.singular[:] = 0.0
    state.strongest[:] = 0.0
    state.tau_measured[:] = math.nan
    state.measured_before[:] = math.nan
    state.reference_velocity[:] = 0.0
    state.reference_acceleration[:] = 0.0
    state.step[:] = 0.0
    state.error[:] = 0.0
    _reset_springs(config, state)
    measure(model, state, q, dq)
    task_space(config, state)
    state.q_before[:] = q
    state.reference[:] = state.ee_pose
    state.candidate[:] = state.ee_pose
    state.V = fixed_energy(model, config, state)
    state.T = config.T0
    state.budget = state.T + state.V
    _reset_counters(state)
    state.omega = config.omega
    state.last_seq[:] = -1
    hold(state)


@kernel
def _reset_springs(config: np.void, state: np.void) -> None:
    state.stiffness[:] = config.stiffness
    state.stiffness_goal[:] = config.stiffness
    state.axes[:] = 0.0
    state.axes_goal[:] = 0.0
    state.elastic, state.soften, state.soften_goal, state.force_factor = 0.0, 1.0, 1.0, 1.0
    state.n_waypoints, state.force_level = 0, 0


@kernel
def _reset_counters(state: np.void) -> None:
    state.work, state.discard, state.worst_ratio, state.draw, state.barrier = 0.0, 0.0, 0.0, 0.0, 0.0
    state.work_measured, state.overdraft, state.refilled = 0.0, 0.0, 0.0
    state.arrival_period, state.accepted_at, state.stamp = 0.0, -math.inf, -math.inf
    state.contact_time, state.error_time, state.error_before, state.given_up = 0.0, 0.0, 0.0, 0
    state.scale, state.alpha, state.beta, state.gamma_active = 1.0, 1.0, 1.0, 1.0
    state.violations, state.ticks, state.rejected, state.accepted, state.bad_ticks = 0, 0, 0, 0, 0
    state.mode, state.last_code, state.missed, state.lost, state.peak_force = 0, 0, 0, 0, 0.0


@kernel
def _blind(config: np.void, state: np.void) -> None:
    """No measurement, or no torque that is a number: keep the last one for a tick (the ledger settles it exactly
    later), then take it to zero."""
    state.bad_ticks += 1
    if state.bad_ticks > 1:
        state.mode = 4
        for i in range(state.tau.shape[0]):
            reach = config.brake_rate[i] * config.period
            state.tau[i] = min(max(0.0, state.tau[i] - reach), state.tau[i] + reach)


@kernel
def _follow(model: np.void, config: np.void, state: np.void, spring: float, allowed: float) -> float:
    """Move the reference one step towards the goal as far as the leash and the tank allow; returns the cost [J].

    What is withheld from the step is taken off the goal too, so the goal is always where the reference will really end,
    and the way from one to the other shortens as if nothing had been withheld: pushing against a wall winds nothing up.
    """
    propose(config, state)
    respect_singularity(model, config, state)
    state.wanted[:] = state.step
    cut = _dodge(config, state)
    cut = leash(config, state) or cut
    cost = scale_reference(config, state, allowed, spring)
    state.scale = min(state.scale, state.alpha)
    state.reference_velocity[:] = state.next_velocity
    state.reference_acceleration[:] = state.next_acceleration
    if cut or state.alpha < 1.0:
        for i in range(6):
            state.delta[i] = state.step[i] - state.wanted[i]
        pose_add_into(state.goal, state.delta, state.goal)
        if state.interpolator == CHUNK:
            shift_waypoints(state, state.delta)
    return cost


@kernel
def _dodge(config: np.void, state: np.void) -> bool:
    """Lead the step out of a contact that is too hard (True: some of it was withheld), and around forbidden spheres."""
    hard = state.force_level >= SOFT
    if hard:
        respect_contact(config, state)
        pose_add_into(state.reference, state.step, state.proposal)
    if config.n_spheres > 0 and leave_spheres(config, state.proposal):
        for i in range(3):
            state.step[i] = state.proposal[i] - state.reference[i]
            state.wanted[i] = state.step[i]
    return hard


@kernel
def _settle(model: np.void, config: np.void, state: np.void) -> None:
    """Settle the ledger at the new measurement, nothing changed yet; ``elastic`` is the task springs' energy [J]."""
    pose_error_into(state.ee_pose, state.reference, state.error)
    quat, k, axes = state.reference[3:], state.stiffness, state.axes
    state.elastic = elastic_energy(state.error, quat, k, axes, config.clip, config.wrench_max)
    settle(model, config, state, fixed_energy(model, config, state) + state.soften * state.elastic)


@kernel
def _change(model: np.void, config: np.void, state: np.void) -> float:
    """Change softness, stiffness and reference as far as the tank pays, and book it; returns what is left [J].

    After many lost packets nothing is changed: what the reference should be is then too old to be worth paying for.
    """
    allowed = allowance(config, state)
    state.draw, state.alpha, state.beta = 0.0, 1.0, 1.0
    if state.missed > FROZEN:
        state.step[:] = 0.0
        return allowed
    spring = state.soften * state.elastic
    cost = change_softness(config, state, allowed)
    state.draw += cost
    left = allowed - max(cost, 0.0)
    cost = change_stiffness(config, state, left)
    state.draw += cost
    left -= max(cost, 0.0)
    cost = _follow(model, config, state, spring + state.draw, left)
    state.draw += cost
    state.T -= state.draw
    state.V += state.draw
    return left - max(cost, 0.0)


@kernel
def _refresh_damping(state: np.void) -> None:
    """Fit the damping to the present inertia and stiffness, every few ticks."""
    state.damping_age += 1
    if state.damping_age <= STALE_DAMPING:
        return
    state.damping_age = 1
    if state.axes[6, 0] == 0.0:
        damping_modes(state)
    else:
        task_stiffness_into(state, state.matrix_c)
        damping_modes_of(state, state.matrix_c)


@kernel
def _task_torque(model: np.void, config: np.void, state: np.void) -> float:
    """Springs, walls and damping into ``tau_wanted`` (n,); returns the power of the springs alone [W]."""
    elastic_wrench(config, state, state.spring_wrench)
    for i in range(6):
        state.spring_wrench[i] *= state.soften
    add_workspace_wrench(config, state.ee_pose, state.spring_wrench)
    power = dot(state.spring_wrench, state.ee_twist)
    _refresh_damping(state)
    damping_into(config, state, state.ee_twist, state.six_a)
    for i in range(6):
        state.six_a[i] += state.spring_wrench[i]
    matvec_transposed_into(state.jacobian, state.six_a, state.tau_wanted)
    add_limit_torque(model, config, state, state.tau_wanted)
    return power


@kernel
def tick(  # noqa: PLR0913  (all that one tick depends on)
    model: np.void, config: np.void, state: np.void, q: Array, dq: Array, tau_external: Array, now: float
) -> None:
    """One tick: measurement in, ``state.tau`` (n,) [N m] out (gravity excluded), to be held until the next tick.

    ``state.tau`` must be the torque that was really applied since the last tick; a backend whose robot reports another
    one writes it there before calling. Ticks that were lost since are counted by ``now`` [s], and settled exactly.
    """
    state.ticks += 1
    count_lost(config, state, now)
    if not finite(q, dq, tau_external):
        _blind(config, state)
        return
    measure(model, state, q, dq)
    task_space(config, state)
    external_wrench(state, tau_external)
    watch_force(config, state)
    _settle(model, config, state)
    watch_error(model, config, state)
    if now > state.valid_until + config.hold_timeout and state.valid_until > -math.inf:
        hold(state)
    choose_mode(config, state)
    allowed = _change(model, config, state)
    power = _task_torque(model, config, state)
    add_null_damping(config, state, state.tau_wanted)
    add_active_torque(model, config, state, allowed)
    limit_speed(model, config, state, state.tau_wanted)
    if config.filter_enabled != 0:
        limit_power(config, state, power, state.tau_wanted)
    limit_torque(config, state, state.tau_wanted)
    state.null_a[:] = state.tau_wanted
    enforce_barrier(model, config, state, state.null_a)
    if finite(state.null_a, state.null_a, state.null_a):
        state.tau[:] = state.null_a
        state.bad_ticks = 0
    else:
        _blind(config, state)
