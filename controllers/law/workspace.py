"""The workspace: an oriented box, half-spaces, forbidden spheres and a cone for the tool's tilt.

Goals are projected into it, and the measured pose is pushed back by one-sided springs, which are part of V.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.law.impedance import huber, huber_force
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from robot_rl.core.records import Array

PROJECTIONS = 12
"""Rounds of projection onto all shapes; more than one only matter where several of them meet."""
TILT_SHARE = 0.1
"""Stiffness of the tilt cone [N m/rad] per stiffness of a wall [N/m]; metres squared."""
REACH = 1.0
"""Depth in a wall up to which its force may grow, if the cap does not end that before [m]."""


@kernel
def beyond(x: float, low: float, high: float) -> float:
    """How far ``x`` is outside [low, high], with its sign; 0 inside."""
    if x > high:
        return x - high
    return x - low if x < low else 0.0


@kernel
def _turn(quat: Array, v: tuple[float, float, float], sense: float) -> tuple[float, float, float]:
    """R(quat) v for sense 1, R(quat)^T v for sense -1."""
    x, y, z, w = sense * quat[0], sense * quat[1], sense * quat[2], quat[3]
    tx = 2.0 * (y * v[2] - z * v[1])
    ty = 2.0 * (z * v[0] - x * v[2])
    tz = 2.0 * (x * v[1] - y * v[0])
    return v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx


@kernel
def _box_excess(config: np.void, pose: Array) -> tuple[float, float, float]:
    """How far a position is outside the box, along the box's axes."""
    origin = config.box_pose
    p = _turn(origin[3:], (pose[0] - origin[0], pose[1] - origin[1], pose[2] - origin[2]), -1.0)
    low, high = config.box_min, config.box_max
    return beyond(p[0], low[0], high[0]), beyond(p[1], low[1], high[1]), beyond(p[2], low[2], high[2])


@kernel
def _plane_excess(plane: Array, pose: Array) -> float:
    return max(0.0, plane[0] * pose[0] + plane[1] * pose[1] + plane[2] * pose[2] - plane[3])


@kernel
def _sphere_distance(sphere: Array, pose: Array) -> float:
    dx, dy, dz = pose[0] - sphere[0], pose[1] - sphere[1], pose[2] - sphere[2]
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@kernel
def _tilt(config: np.void, pose: Array) -> tuple[float, float, float, float]:
    """Angle between the tool's z axis and its direction, and the cross product of the two (axis, length sin)."""
    z = _turn(pose[3:], (0.0, 0.0, 1.0), 1.0)
    a = config.tilt_axis
    size = norm3(a, 0)
    ax, ay, az = a[0] / size, a[1] / size, a[2] / size
    cx, cy, cz = z[1] * az - z[2] * ay, z[2] * ax - z[0] * az, z[0] * ay - z[1] * ax
    sine = math.sqrt(cx * cx + cy * cy + cz * cz)
    return math.atan2(sine, ax * z[0] + ay * z[1] + az * z[2]), cx, cy, cz


@kernel
def workspace_energy(config: np.void, pose: Array) -> float:
    """Energy [J] of the workspace's springs at ``pose`` (7,)."""
    k, cap, energy = config.wall_stiffness, config.wrench_max, 0.0
    x, y, z = _box_excess(config, pose)
    energy += huber(x, k, REACH, cap[0]) + huber(y, k, REACH, cap[0]) + huber(z, k, REACH, cap[0])
    for i in range(config.n_half_spaces):
        energy += huber(_plane_excess(config.half_spaces[i], pose), k, REACH, cap[0])
    for i in range(config.n_spheres):
        depth = config.spheres[i, 3] - _sphere_distance(config.spheres[i], pose)
        energy += huber(max(0.0, depth), k, REACH, cap[0])
    if config.tilt_max < math.pi:
        angle = _tilt(config, pose)[0]
        energy += huber(max(0.0, angle - config.tilt_max), TILT_SHARE * k, REACH, cap[1])
    return energy


@kernel
def add_workspace_wrench(config: np.void, pose: Array, wrench: Array) -> None:
    """Add to ``wrench`` (6,) minus the gradient of ``workspace_energy``."""
    k, cap = config.wall_stiffness, config.wrench_max
    x, y, z = _box_excess(config, pose)
    if x != 0.0 or y != 0.0 or z != 0.0:
        inside = (huber_force(x, k, REACH, cap[0]), huber_force(y, k, REACH, cap[0]), huber_force(z, k, REACH, cap[0]))
        force = _turn(config.box_pose[3:], inside, 1.0)
        wrench[0] -= force[0]
        wrench[1] -= force[1]
        wrench[2] -= force[2]
    for i in range(config.n_half_spaces):
        push = huber_force(_plane_excess(config.half_spaces[i], pose), k, REACH, cap[0])
        for j in range(3):
            wrench[j] -= push * config.half_spaces[i, j]
    for i in range(config.n_spheres):
        distance = _sphere_distance(config.spheres[i], pose)
        push = huber_force(max(0.0, config.spheres[i, 3] - distance), k, REACH, cap[0])
        if push > 0.0 and distance > 1e-9:
            for j in range(3):
                wrench[j] += push * (pose[j] - config.spheres[i, j]) / distance
    _add_tilt_moment(config, pose, wrench)


@kernel
def _add_tilt_moment(config: np.void, pose: Array, wrench: Array) -> None:
    if config.tilt_max >= math.pi:
        return
    angle, cx, cy, cz = _tilt(config, pose)
    sine = math.sqrt(cx * cx + cy * cy + cz * cz)
    depth, k = max(0.0, angle - config.tilt_max), TILT_SHARE * config.wall_stiffness
    push = huber_force(depth, k, REACH, config.wrench_max[1])
    if push > 0.0 and sine > 1e-9:
        wrench[3] += push * cx / sine
        wrench[4] += push * cy / sine
        wrench[5] += push * cz / sine


@kernel
def leave_spheres(config: np.void, pose: Array) -> bool:
    """Move a position (in place) out of every forbidden sphere, the shortest way; True when it was in one."""
    moved = False
    for i in range(config.n_spheres):
        distance, radius = _sphere_distance(config.spheres[i], pose), config.spheres[i, 3]
        if distance < radius:
            moved = True
            for j in range(3):
                out = (pose[j] - config.spheres[i, j]) / distance if distance > 1e-9 else (1.0 if j == 2 else 0.0)
                pose[j] = config.spheres[i, j] + radius * out
    return moved


@kernel
def _into_box(config: np.void, pose: Array) -> None:
    force = _turn(config.box_pose[3:], _box_excess(config, pose), 1.0)
    pose[0] -= force[0]
    pose[1] -= force[1]
    pose[2] -= force[2]


@kernel
def clamp_pose(config: np.void, pose: Array) -> None:
    """Project ``pose`` (7,) into the workspace, in place: the nearest position, the smallest turn.

    Where a sphere sticks out of the box, millimetres may be left; then the sphere counts.
    """
    for _ in range(PROJECTIONS):
        moved = leave_spheres(config, pose)
        for i in range(config.n_half_spaces):
            depth = _plane_excess(config.half_spaces[i], pose)
            moved = moved or depth > 0.0
            for j in range(3):
                pose[j] -= depth * config.half_spaces[i, j]
        _into_box(config, pose)
        if not moved:
            break
    leave_spheres(config, pose)
    if config.tilt_max < math.pi:
        _untilt(config, pose)


@kernel
def _untilt(config: np.void, pose: Array) -> None:
    """Turn ``pose`` about the axis between the tool's z axis and its direction until it is within the cone."""
    angle, cx, cy, cz = _tilt(config, pose)
    excess = angle - config.tilt_max
    sine = math.sqrt(cx * cx + cy * cy + cz * cz)
    if excess <= 0.0:
        return
    if sine < 1e-9:  # upside down: any axis across will do
        cx, cy, cz = _turn(pose[3:], (1.0, 0.0, 0.0), 1.0)
        sine = 1.0
    half = 0.5 * excess
    s = math.sin(half) / sine
    ax, ay, az, aw = s * cx, s * cy, s * cz, math.cos(half)
    bx, by, bz, bw = pose[3], pose[4], pose[5], pose[6]
    pose[3] = aw * bx + ax * bw + ay * bz - az * by
    pose[4] = aw * by - ax * bz + ay * bw + az * bx
    pose[5] = aw * bz + ax * by - ay * bx + az * bw
    pose[6] = aw * bw - ax * bx - ay * by - az * bz
