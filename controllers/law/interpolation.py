"""Which commands and chunks become goals, and which are refused (control.md §1.5)."""

from __future__ import annotations

import math

import numpy as np

from controllers.law.chunk import take_over
from controllers.law.trajectory import CHUNK, FILTER, plan
from controllers.law.variable_stiffness import read_stiffness
from controllers.law.workspace import clamp_pose
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from controllers.numeric.rotations import pose_add_into, pose_error_into, quat_normalise
from robot_rl.core.records import Array

ACCEPTED, NOT_FINITE, QUATERNION, TOO_FAR, STIFFNESS, STALE, EXPIRED, SOURCE, FAULTED = range(9)
"""What ``accept`` returns: 0, or why the command was refused (``REASONS``)."""
REASONS = (
    "accepted",
    "a number in it is not finite, its duration is not from 0 to 60 s, or its stamps do not rise: correct the sender",
    "its quaternion does not have length 1: normalise it",
    "its pose is too far from the arm's reference: send smaller steps",
    "its stiffness is outside the range of the preset, or indefinite: send one inside",
    "its sequence number is not newer than the last one of this source: count up",
    "it was already past its valid_until when it arrived: check the clocks and the load of the sender",
    "its source is unknown: use one of core.records.Source",
    "the controller is in FAULT: reset the arm",
)
LONGEST = 60.0
"""Longest duration of a command [s]: a filter slower than that has no stopping distance in floating point."""
SETTLING = 6.0
"""Time constants after which a critically damped filter has covered 98 % of a step."""


@kernel
def _finite(command: np.void) -> bool:
    total = command.stamp * 0.0 + command.valid_until * 0.0 + command.duration * 0.0 + command.gripper * 0.0
    for i in range(7):
        total += command.pose[i] * 0.0
    for i in range(21):
        total += command.stiffness[i] * 0.0
    for i in range(6):
        total += command.feed_forward[i] * 0.0
    return total == 0.0 and 0.0 <= command.duration <= LONGEST


@kernel
def _check_range(config: np.void, state: np.void, pose: Array, command: np.void) -> int:
    norm = math.sqrt(pose[3] * pose[3] + pose[4] * pose[4] + pose[5] * pose[5] + pose[6] * pose[6])
    if not abs(norm - 1.0) <= 1e-2:
        return QUATERNION
    quat_normalise(pose[3:])
    pose_error_into(pose, state.goal, state.delta)
    if not (norm3(state.delta, 0) <= config.jump_max[0] and norm3(state.delta, 3) <= config.jump_max[1]):
        return TOO_FAR
    return ACCEPTED if read_stiffness(config, state, command) else STIFFNESS


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
def _refuse(state: np.void, command: np.void, code: int) -> int:
    """Count a refusal and hold; its number is used up, so that a copy of it is old."""
    state.last_code = code
    state.rejected += 1
    if code != STALE:
        if code != SOURCE:
            state.last_seq[command.source] = command.seq
        hold(state)
    return code


@kernel
def accept(config: np.void, state: np.void, command: np.void, now: float) -> int:
    """Make ``command`` the goal and return 0, or count it as rejected, hold, and return why (``REASONS``).

    An old or repeated sequence number is counted and ignored: it does not make the arm hold.
    """
    code = _check(config, state, command, now)
    if code != ACCEPTED:
        return _refuse(state, command, code)
    state.last_code = code
    clamp_pose(config, state.candidate)
    state.goal[:] = state.candidate
    _limit_lead(config, state)
    state.omega = min(config.omega, SETTLING / max(command.duration, 1e-3))
    plan(config, state, command.duration, now)
    _take_over(config, state, command)
    return ACCEPTED


@kernel
def _take_over(config: np.void, state: np.void, command: np.void) -> None:
    """What an accepted command sets besides its pose."""
    if command.has_stiffness != 0:
        state.stiffness_goal[:] = state.k_candidate
        state.axes_goal[:] = state.axes_candidate
    for i in range(6):
        limit = config.feed_forward_max[i // 3]
        state.feed_forward_goal[i] = min(max(command.feed_forward[i], -limit), limit)
    state.last_seq[command.source] = command.seq
    state.source = command.source
    state.gripper = command.gripper
    state.valid_until = command.valid_until
    state.command_stamp = command.stamp
    state.scale = 1.0
    state.accepted += 1


@kernel
def hold(state: np.void) -> None:
    """Make the place where the reference comes to rest the goal; at once where it is, if it is at rest."""
    for i in range(6):
        state.delta[i] = state.reference_velocity[i] / state.omega
    pose_add_into(state.reference, state.delta, state.goal)
    state.valid_until = -math.inf
    state.source = 0
    state.interpolator = FILTER
    state.segment_left = 0.0
    state.feed_forward_goal[:] = 0.0


@kernel
def _check_waypoints(config: np.void, state: np.void, count: int, now: float) -> int:
    """Whether the first ``count`` of ``waypoints_new`` are a chunk; they are normalised and put into the workspace."""
    before, last = state.track, -math.inf
    before[:] = state.goal
    for i in range(count):
        row, total = state.waypoints_new[i], 0.0
        for j in range(8):
            total += row[j] * 0.0
        norm = math.sqrt(row[4] * row[4] + row[5] * row[5] + row[6] * row[6] + row[7] * row[7])
        if total != 0.0 or not row[0] > last:
            return NOT_FINITE
        if not abs(norm - 1.0) <= 1e-2:
            return QUATERNION
        quat_normalise(row[4:])
        pose_error_into(row[1:], before, state.delta)
        if not (norm3(state.delta, 0) <= config.jump_max[0] and norm3(state.delta, 3) <= config.jump_max[1]):
            return TOO_FAR
        last = row[0]
        before[:] = row[1:]
        clamp_pose(config, row[1:])
    return EXPIRED if last < now else ACCEPTED


@kernel
def accept_chunk(config: np.void, state: np.void, command: np.void, count: int, now: float) -> int:
    """Follow the first ``count`` of ``state.waypoints_new``; ``command`` says the rest, its pose being the last one.

    Returns what ``accept`` does. A chunk that arrives while another is played takes over from it by and by.
    """
    code = SOURCE
    if 0 <= command.source < state.last_seq.shape[0]:
        code = STALE if command.seq <= state.last_seq[command.source] else ACCEPTED
    if code == ACCEPTED and not (_finite(command) and 0 < count <= state.waypoints_new.shape[0]):
        code = NOT_FINITE
    if code == ACCEPTED and not read_stiffness(config, state, command):
        code = STIFFNESS
    if code == ACCEPTED:
        code = FAULTED if state.mode == 4 else _check_waypoints(config, state, count, now)
    if code != ACCEPTED:
        return _refuse(state, command, code)
    state.last_code = code
    take_over(config, state, count, now, state.interpolator == CHUNK)
    state.interpolator = CHUNK
    state.segment_left = 0.0
    state.omega = config.omega
    _take_over(config, state, command)
    return ACCEPTED
