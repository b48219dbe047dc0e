"""Playback of action chunks: waypoints with time stamps, the new one blended over what is left of the old one.

A waypoint is (8,): stamp [s], then a pose. The reference follows the line between them through the critically damped
filter, which is fed 2 / omega ahead of time, so that its delay cancels.
"""

from __future__ import annotations

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array


@kernel
def track_waypoints(state: np.void, stamp: float, out: Array) -> None:
    """``out`` (7,): where the present waypoints lead to at ``stamp`` [s]; the ends before and after. ``delta`` is
    scratch."""
    points, last = state.waypoints, state.n_waypoints - 1
    i = last
    while i > 0 and points[i, 0] > stamp:
        i -= 1
    if i == last or stamp <= points[0, 0]:
        out[:] = points[i, 1:]
        return
    share = (stamp - points[i, 0]) / (points[i + 1, 0] - points[i, 0])
    pose_error_into(points[i + 1, 1:], points[i, 1:], state.delta)
    for j in range(6):
        state.delta[j] *= share
    pose_add_into(points[i, 1:], state.delta, out)


@kernel
def take_over(config: np.void, state: np.void, count: int, now: float, playing: bool) -> None:
    """Replace the waypoints by the first ``count`` of ``waypoints_new``, blended with the present ones if ``playing``.

    The weight of the new ones grows from 0 now to 1 after ``chunk_blend`` [s]; what the old ones have beyond that, or
    beyond the end of the new ones, is discarded.
    """
    for i in range(count):
        row = state.waypoints_new[i]
        age = row[0] - now
        if playing and age < config.chunk_blend and config.chunk_blend > 0.0:
            share = max(0.0, age) / config.chunk_blend
            track_waypoints(state, row[0], state.track)
            pose_error_into(row[1:], state.track, state.delta)
            for j in range(6):
                state.delta[j] *= share
            pose_add_into(state.track, state.delta, row[1:])
    state.waypoints[:count] = state.waypoints_new[:count]
    state.n_waypoints = count
    state.goal[:] = state.waypoints[count - 1, 1:]


@kernel
def shift_waypoints(state: np.void, delta: Array) -> None:
    """Move all waypoints by ``delta`` (6,): what was withheld from the reference is taken off where it goes too."""
    for i in range(state.n_waypoints):
        pose_add_into(state.waypoints[i, 1:], delta, state.waypoints[i, 1:])
