"""How the reference moves to the goal, and which commands become goals (control.md §1.5).

The reference follows a critically damped second-order filter in its exact discrete form, fed with an error that is
cut so that speed and deceleration stay within their limits; acceleration is then clamped.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.jit import kernel
from controllers.linalg import norm3
from controllers.rotations import pose_add_into, pose_error_into, quat_normalise
from robot_rl.core.records import Array

ACCEPTED, NOT_FINITE, QUATERNION, TOO_FAR, STIFFNESS, STALE, EXPIRED, SOURCE, FAULTED = range(9)
"""What ``accept`` returns: 0, or why the command was refused (``REASONS``)."""
REASONS = (
    "accepted",
    "a number in it is not finite or its duration is negative: correct the sender",
    "its quaternion does not have length 1: normalise it",
    "its pose is too far from the arm's reference: send smaller steps",
    "its stiffness is outside the range of the preset: send one inside",
    "its sequence number is not newer than the last one of this source: count up",
    "it was already past its valid_until when it arrived: check the clocks and the load of the sender",
    "its source is unknown: use one of core.records.Source",
    "the controller is in FAULT: reset the arm",
)
SETTLING = 6.0
"""Time constants after which a critically damped filter has covered 98 % of a step."""


@kernel
def _finite(command: np.void) -> bool:
    total = command.stamp * 0.0 + command.valid_until * 0.0 + command.duration * 0.0 + command.gripper * 0.0
    for i in range(7):
        total += command.pose[i] * 0.0
    for i in range(2):
        total += command.stiffness[i] * 0.0
    return total == 0.0 and command.duration >= 0.0


@kernel
def _check_range(config: np.void, state: np.void, pose: Array, command: np.void) -> int:
    norm = math.sqrt(pose[3] * pose[3] + pose[4] * pose[4] + pose[5] * pose[5] + pose[6] * pose[6])
    if not abs(norm - 1.0) <= 1e-2:
        return QUATERNION
    quat_normalise(pose[3:])
    pose_error_into(pose, state.goal, state.delta)
    if not (norm3(state.delta, 0) <= config.jump_max[0] and norm3(state.delta, 3) <= config.jump_max[1]):
        return TOO_FAR
    for i in range(2):
        k = command.stiffness[i]
        if command.has_stiffness != 0 and not (config.k_min[i] <= k <= config.k_max[i]):
            return STIFFNESS
    return ACCEPTED


@kernel
def _check(config: np.void, state: np.void, command: np.void, now: float) -> int:
    if not 0 <= command.source < state.last_seq.shape[0]:
        return SOURCE
    if command.seq <= state.last_seq[command.source]:
        return STALE
    if not _finite(command):
        return NOT_FINITE
    state.candidate[:] = command.pose
    code = _check_range(config, state, state.candidate, command)
    if code != ACCEPTED:
        return code
    if command.valid_until < now:
        return EXPIRED
    return FAULTED if state.mode == 4 else ACCEPTED


@kernel
def _limit_lead(config: np.void, state: np.void) -> None:
    """Keep the goal near enough for the reference to get there soon, whatever speed was asked for."""
    pose_error_into(state.goal, state.reference, state.delta)
    limited = False
    for start in (0, 3):
        length, limit = norm3(state.delta, start), config.lead_max[start // 3]
        if length > limit:
            limited = True
            for i in range(start, start + 3):
                state.delta[i] *= limit / length
    if limited:
        pose_add_into(state.reference, state.delta, state.goal)


@kernel
def accept(config: np.void, state: np.void, command: np.void, now: float) -> int:
    """Make ``command`` the goal and return 0, or count it as rejected, hold, and return why (``REASONS``).

    An old or repeated sequence number is counted and ignored: it does not make the arm hold.
    """
    code = _check(config, state, command, now)
    state.last_code = code
    if code != ACCEPTED:
        state.rejected += 1
        if code != STALE:
            hold(state)
        return code
    for i in range(3):
        state.goal[i] = min(max(state.candidate[i], config.box_min[i]), config.box_max[i])
    state.goal[3:] = state.candidate[3:]
    _limit_lead(config, state)
    if command.has_stiffness != 0:
        for i in range(6):
            state.stiffness_goal[i] = command.stiffness[i // 3]
    state.omega = min(config.omega, SETTLING / max(command.duration, 1e-3))
    state.last_seq[command.source] = command.seq
    state.source = command.source
    state.gripper = command.gripper
    state.valid_until = command.valid_until
    state.command_stamp = command.stamp
    state.scale = 1.0
    state.accepted += 1
    return ACCEPTED


@kernel
def hold(state: np.void) -> None:
    """Make the place where the reference comes to rest the goal; at once where it is, if it is at rest."""
    for i in range(6):
        state.delta[i] = state.reference_velocity[i] / state.omega
    pose_add_into(state.reference, state.delta, state.goal)
    state.valid_until = -math.inf
    state.source = 0


@kernel
def _advance(state: np.void, start: int, period: float, v_max: float, a_max: float) -> None:
    """Linear (start 0) or angular (start 3) part of ``step`` and ``next_velocity``, from the error in ``delta``."""
    d, v, omega = state.delta, state.reference_velocity, state.omega
    distance = norm3(d, start)
    reach = 2.0 * min(v_max, math.sqrt(a_max * distance)) / omega
    cut = reach / distance if distance > reach else 1.0
    decay = math.exp(-omega * period)
    change = 0.0
    for i in range(start, start + 3):
        w = (v[i] + omega * cut * d[i]) * period
        state.step[i] = (cut * d[i] + w) * decay - cut * d[i]
        state.next_velocity[i] = (v[i] - omega * w) * decay
        change += (state.next_velocity[i] - v[i]) ** 2
    limit = a_max * period
    change = math.sqrt(change)
    if change > limit:
        for i in range(start, start + 3):
            state.next_velocity[i] = v[i] + (state.next_velocity[i] - v[i]) * limit / change
    speed = norm3(state.next_velocity, start)
    if change > limit or speed > v_max:
        shrink = min(1.0, v_max / speed)
        for i in range(start, start + 3):
            state.next_velocity[i] *= shrink
            state.step[i] = state.next_velocity[i] * period


@kernel
def propose(config: np.void, state: np.void) -> None:
    """Where the reference would be one period on: ``proposal`` (7,), ``step`` (6,) to it, ``next_velocity`` (6,)."""
    pose_error_into(state.reference, state.goal, state.delta)
    _advance(state, 0, config.period, config.v_max[0], config.a_max[0])
    _advance(state, 3, config.period, config.v_max[1], config.a_max[1])
    pose_add_into(state.reference, state.step, state.proposal)
