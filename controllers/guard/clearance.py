"""What the distances between capsules allow: a bound on how fast they may fall, and a veto on part of a motion."""

from __future__ import annotations

import math

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.guard.collision import Shape, obstacle_nearest, place, segments_nearest
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, matvec_into
from controllers.numeric.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array

FREE, CLOSE, TOUCHING = range(3)
"""What ``check`` returns."""
FAR = 10.0


@kernel
def _add_row(guard: np.void, state: np.void, link: int, side: int) -> None:
    """``row`` (n,) += +-n^T J, J the Jacobian of the nearest point number ``side`` on ``link``."""
    rot, pos, point, normal, row = state.rot, state.pos, guard.nearest[side], guard.normal, guard.row
    sign = 1.0 if side == 0 else -1.0
    for j in range(link + 1):
        zx, zy, zz = rot[j, 0, 2], rot[j, 1, 2], rot[j, 2, 2]
        rx, ry, rz = point[0] - pos[j, 0], point[1] - pos[j, 1], point[2] - pos[j, 2]
        across = normal[0] * (zy * rz - zz * ry) + normal[1] * (zz * rx - zx * rz) + normal[2] * (zx * ry - zy * rx)
        row[j] += sign * across


@kernel
def _direction(guard: np.void, distance: float) -> None:
    """``normal``: from the second nearest point to the first, outward even when they overlap."""
    length = 0.0
    for k in range(3):
        guard.normal[k] = guard.nearest[0, k] - guard.nearest[1, k]
        length += guard.normal[k] ** 2
    length = math.copysign(max(math.sqrt(length), 1e-9), distance)
    for k in range(3):
        guard.normal[k] /= length


@kernel
def _veto(guard: np.void, state: np.void, room: float) -> None:
    """Take off the way from the reference to the goal what would use up more than ``room`` [m] of distance.

    ``row`` (n,) is the distance's gradient over the joints; Lambda J M^-1 row^T is the one over the tool's motion,
    the null space at rest. A half-space projection: what runs along the obstacle stays.
    """
    matvec_into(state.to_wrench, guard.row, guard.slope)
    pose_error_into(state.goal, state.reference, guard.delta)
    excess, size = -dot(guard.slope, guard.delta) - room, 0.0
    for i in range(6):
        size += guard.slope[i] ** 2 * (1.0 if i < 3 else 10.0)
    if excess <= 0.0 or size < 1e-9:
        return
    for i in range(6):
        guard.delta[i] += guard.slope[i] * (1.0 if i < 3 else 10.0) * excess / size
    pose_add_into(state.reference, guard.delta, state.goal)
    guard.vetoed += 1


@kernel
def _judge(guard: np.void, state: np.void, distance: float) -> int:
    """One pair at ``distance`` [m] with its gradient in ``row``: bound its speed, veto what comes too near."""
    guard.clearance = min(guard.clearance, distance)
    closing = -dot(guard.row, state.dq)
    if closing > guard.closing_rate * max(distance - guard.touch, 0.0) + guard.closing_free:
        return TOUCHING
    if distance > guard.influence:
        return FREE
    _veto(guard, state, distance - guard.margin)
    return CLOSE


@kernel
def _check_pairs(shape: Shape, guard: np.void, state: np.void, ends: Array) -> int:
    worst = FREE
    for p in range(shape.pairs.shape[0]):
        a, b = shape.pairs[p].a, shape.pairs[p].b
        between = segments_nearest(ends[a], ends[b], guard.nearest)
        distance = between - shape.capsules[a].radius - shape.capsules[b].radius
        guard.row[:] = 0.0
        _direction(guard, between)
        _add_row(guard, state, shape.capsules[a].link, 0)
        _add_row(guard, state, shape.capsules[b].link, 1)
        worst = max(worst, _judge(guard, state, distance))
    return worst


@kernel
def _check_scene(shape: Shape, guard: np.void, state: np.void, ends: Array) -> int:
    worst = FREE
    for c in range(min(shape.exempt, shape.capsules.shape[0])):
        if shape.capsules[c].link < 1:  # the first link only turns on the spot
            continue
        for o in range(shape.obstacles.shape[0]):
            inside = obstacle_nearest(shape.obstacles[o], ends[c], guard.nearest)
            guard.row[:] = 0.0
            _direction(guard, inside)
            _add_row(guard, state, shape.capsules[c].link, 0)
            worst = max(worst, _judge(guard, state, inside - shape.capsules[c].radius))
    return worst


@kernel
def check(shape: Shape, guard: np.void, state: np.void, ends: Array) -> int:
    """Look at every pair and obstacle for the arm as measured in ``state``; the worst of FREE, CLOSE, TOUCHING.

    Vetoes the part of the way to the goal that comes nearer than the margin. ``ends`` (c, 2, 3) is scratch.
    """
    guard.clearance = FAR
    place(shape, state.rot, state.pos, ends)
    return max(_check_pairs(shape, guard, state, ends), _check_scene(shape, guard, state, ends))


@kernel
def _nearest_distance(shape: Shape, rot: Array, pos: Array, ends: Array, scratch: Array) -> float:
    place(shape, rot, pos, ends)
    smallest = FAR
    for p in range(shape.pairs.shape[0]):
        a, b = shape.pairs[p].a, shape.pairs[p].b
        between = segments_nearest(ends[a], ends[b], scratch)
        smallest = min(smallest, between - shape.capsules[a].radius - shape.capsules[b].radius)
    for c in range(min(shape.exempt, shape.capsules.shape[0])):
        for o in range(shape.obstacles.shape[0] if shape.capsules[c].link >= 1 else 0):
            smallest = min(smallest, obstacle_nearest(shape.obstacles[o], ends[c], scratch) - shape.capsules[c].radius)
    return smallest


def distance_of(arm: ArmModel, shape: Shape, q: Array) -> float:
    """Smallest distance [m] between any two bodies that may meet, with the arm at ``q`` (n,) [rad]; FAR at most."""
    rot, pos, _ = arm.frames(q)
    return float(_nearest_distance(shape, rot, pos, np.zeros((len(shape.capsules), 2, 3)), np.zeros((2, 3))))
