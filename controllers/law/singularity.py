"""How near the arm is to a singular posture, the damping of the task inertia there, and the rule that slows it down.

Two figures of the Jacobian (metres and radians mixed): its smallest singular value sigma, and its condition kappa, the
largest over the smallest. (control.md §3.5)
"""

from __future__ import annotations

import math

import numpy as np

from controllers.arms.kinematics import jacobian_into, link_frames
from controllers.law.trajectory import CHUNK
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import (
    cholesky_into,
    dot,
    matvec_into,
    matvec_transposed_into,
    norm3,
    solve_lower,
    solve_upper,
)
from controllers.numeric.rotations import pose_add_into
from robot_rl.core.records import Array

FLOOR = 1e-12
"""Added to J J^T, so that its factor exists in a singular posture too."""
FIRST_STEPS = 30
"""Iterations when nothing is known yet; later two at a time, from the last direction, are enough."""
FAR, EVERY = 2.0, 8
"""Above so many times ``sigma_min``, only every so many ticks: at full speed a Panda's sigma falls by 0.03 in 8 ms."""
PROBE = 0.01
"""How far ahead along a step its effect on sigma is looked at, as motion of the fastest joint [rad]."""
LEAVING = 0.2
"""Share of its lead that a reference on its way out may have in any case: nothing gets stuck there."""


@kernel
def _unit(x: Array) -> float:
    """x := x / |x|; returns what |x| was."""
    size = math.sqrt(dot(x, x))
    for i in range(6):
        x[i] *= 1.0 / size
    return size


@kernel
def _factor(jacobian: Array, gram: Array, factor: Array) -> None:
    """``gram`` (6, 6) = J J^T + FLOOR and its Cholesky factor."""
    for i in range(6):
        for j in range(i + 1):
            gram[i, j] = dot(jacobian[i], jacobian[j])
            gram[j, i] = gram[i, j]
        gram[i, i] += FLOOR
    cholesky_into(gram, factor)


@kernel
def _smallest(factor: Array, x: Array, steps: int) -> float:
    """Smallest singular value by inverse iteration from the unit vector ``x`` (6,), which becomes its direction."""
    size = 1.0
    for _ in range(steps):
        solve_lower(factor, x)
        solve_upper(factor, x)
        size = _unit(x)
    return math.sqrt(1.0 / size)


@kernel
def singular_values(state: np.void) -> None:
    """``sigma`` and ``condition`` of the Jacobian; ``singular`` and ``strongest`` (6,) keep the two directions.

    Scratch: ``matrix_a``, ``matrix_b``, ``six_b``.
    """
    gram, weak, strong, steps = state.matrix_a, state.singular, state.strongest, 2
    _factor(state.jacobian, gram, state.matrix_b)
    if not dot(weak, weak) > 0.0:
        steps = FIRST_STEPS
        for i in range(6):
            weak[i] = 1.0 + 0.1 * i
            strong[i] = 1.0 - 0.1 * i
        _unit(weak)
    state.sigma = _smallest(state.matrix_b, weak, steps)
    for _ in range(steps):
        _unit(strong)
        matvec_into(gram, strong, state.six_b)
        strong[:] = state.six_b
    state.condition = math.sqrt(math.sqrt(dot(strong, strong))) / state.sigma


@kernel
def watch_singularity(config: np.void, state: np.void) -> None:
    """Keep ``sigma`` and ``condition`` up: in every tick near a singular posture, else in every eighth."""
    near = state.sigma < FAR * config.sigma_min or state.condition > config.condition_slow
    if near or state.ticks % EVERY == 0 or not dot(state.singular, state.singular) > 0.0:
        singular_values(state)


@kernel
def added_mobility(config: np.void, state: np.void) -> float:
    """What the task mobility J M^-1 J^T gets on its diagonal: 0 far from singularities, and it starts smoothly."""
    if state.sigma >= config.sigma_min:
        return 0.0
    return config.sigma_damping * (1.0 - state.sigma / config.sigma_min) ** 2


@kernel
def _leads_away(model: np.void, state: np.void) -> bool:
    """Whether the springs, after ``step``, pull to where sigma is larger; looked at a little ahead."""
    motion, fastest = state.null_a, 0.0
    for i in range(6):
        state.six_b[i] = state.step[i] - state.error[i]
    matvec_transposed_into(state.to_wrench, state.six_b, motion)
    for i in range(motion.shape[0]):
        fastest = max(fastest, abs(motion[i]))
    if not fastest > 0.0:
        return True
    for i in range(motion.shape[0]):
        motion[i] = state.q[i] + motion[i] * PROBE / fastest
    link_frames(model, motion, state.probe_rot, state.probe_pos, state.track, state.probe_ee)
    jacobian_into(state.probe_rot, state.probe_pos, state.track, state.probe_jacobian)
    _factor(state.probe_jacobian, state.matrix_a, state.matrix_b)
    state.six_b[:] = state.singular
    return _smallest(state.matrix_b, state.six_b, 4) > state.sigma


@kernel
def _share(model: np.void, config: np.void, state: np.void) -> float:
    """Share of its lead that the reference may have: 1 up to ``condition_slow``, falling to 0 at ``condition_stop``.

    For a way that leads away from the singular posture both count double, and some is always allowed.
    """
    slow, stop = config.condition_slow, config.condition_stop
    share = (stop - state.condition) / max(stop - slow, 1e-9)
    if share < 1.0 and _leads_away(model, state):
        share = max(LEAVING, (2.0 * stop - state.condition) / max(2.0 * (stop - slow), 1e-9))
    return min(max(share, 0.0), 1.0)


@kernel
def respect_singularity(model: np.void, config: np.void, state: np.void) -> None:
    """Shorten the reference's lead, and with it the arm's speed, near a singular posture; no lead where it is too bad.

    A goal further in is out of reach then, so it is put where the reference is; a chunk goes on in its own time.
    """
    if not state.condition > config.condition_slow:
        return
    share, lead = _share(model, config, state), state.six_b
    for start in (0, 3):
        for i in range(start, start + 3):
            lead[i] = state.step[i] - state.error[i]
        length, limit = norm3(lead, start), share * config.leash[start // 3]
        if length > limit:
            for i in range(start, start + 3):
                state.step[i] = state.error[i] + lead[i] * limit / length
            _keep_speed(config, state, start)
    pose_add_into(state.reference, state.step, state.proposal)
    if share == 0.0:
        state.segment_left = 0.0
        if state.interpolator != CHUNK:
            state.goal[:] = state.proposal


@kernel
def _keep_speed(config: np.void, state: np.void, start: int) -> None:
    """The changed ``step`` within the speed limit, and the reference's velocity as it is then."""
    length, limit = norm3(state.step, start), config.v_max[start // 3] * config.period
    shrink = limit / length if length > limit else 1.0
    for i in range(start, start + 3):
        state.step[i] *= shrink
        state.next_velocity[i] = state.step[i] / config.period
        state.next_acceleration[i] = 0.0
