"""Forward kinematics, geometric Jacobian and mass matrix of a serial arm with revolute joints, as kernels.

The model record (``model_dtype``) holds every joint in a frame whose z axis is the joint's axis.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.rotations import matrix_to_quat_into
from robot_rl.core.records import Array


def model_dtype(n: int) -> np.dtype:
    """The record of an arm with ``n`` joints, as kernels read it (``ArmModel.record``)."""
    return np.dtype(
        [
            ("placement_pos", "f8", (n, 3)),
            ("placement_rot", "f8", (n, 3, 3)),
            ("mass", "f8", (n,)),
            ("com", "f8", (n, 3)),
            ("inertia", "f8", (n, 3, 3)),
            ("armature", "f8", (n,)),
            ("joint_damping", "f8", (n,)),
            ("tcp_pos", "f8", (3,)),
            ("tcp_rot", "f8", (3, 3)),
            ("q_min", "f8", (n,)),
            ("q_max", "f8", (n,)),
            ("dq_max", "f8", (n,)),
            ("tau_max", "f8", (n,)),
            ("dtau_max", "f8", (n,)),
            ("dq_curve", "f8", (n, 4)),
        ]
    )


@kernel
def matmul3_into(a: Array, b: Array, out: Array) -> None:
    """``out`` = a b, all (3, 3); may alias neither."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@kernel
def transform_into(rot: Array, pos: Array, point: Array, out: Array) -> None:
    """``out`` (3,) = rot point + pos."""
    for i in range(3):
        out[i] = pos[i] + rot[i, 0] * point[0] + rot[i, 1] * point[1] + rot[i, 2] * point[2]


@kernel
def link_frames(model: np.void, q: Array, rot: Array, pos: Array, ee_pose: Array, ee_rot: Array) -> None:
    """Frames of all links (n, 3, 3), (n, 3) and the tool centre point (7,), (3, 3), seen from base."""
    n = q.shape[0]
    for i in range(n):
        if i == 0:
            pos[0, :] = model.placement_pos[0]
            rot[0, :, :] = model.placement_rot[0]
        else:
            transform_into(rot[i - 1], pos[i - 1], model.placement_pos[i], pos[i])
            matmul3_into(rot[i - 1], model.placement_rot[i], rot[i])
        c, s = math.cos(q[i]), math.sin(q[i])
        for k in range(3):
            x, y = rot[i, k, 0], rot[i, k, 1]
            rot[i, k, 0] = c * x + s * y
            rot[i, k, 1] = c * y - s * x
    transform_into(rot[n - 1], pos[n - 1], model.tcp_pos, ee_pose)
    matmul3_into(rot[n - 1], model.tcp_rot, ee_rot)
    matrix_to_quat_into(ee_rot, ee_pose[3:])


@kernel
def jacobian_into(rot: Array, pos: Array, ee_pose: Array, out: Array) -> None:
    """``out`` (6, n): twist [v; omega] of the tool centre point in base axes = out dq."""
    for i in range(pos.shape[0]):
        zx, zy, zz = rot[i, 0, 2], rot[i, 1, 2], rot[i, 2, 2]
        rx, ry, rz = ee_pose[0] - pos[i, 0], ee_pose[1] - pos[i, 1], ee_pose[2] - pos[i, 2]
        out[0, i] = zy * rz - zz * ry
        out[1, i] = zz * rx - zx * rz
        out[2, i] = zx * ry - zy * rx
        out[3, i] = zx
        out[4, i] = zy
        out[5, i] = zz


@kernel
def link_inertia_into(model: np.void, i: int, rot: Array, pos: Array, out: Array) -> None:
    """Add link i's mass, first moment and inertia about the base's origin to ``out`` (10,): m, h, xx yy zz xy xz yz."""
    m = model.mass[i]
    r, com, inertia = rot[i], model.com[i], model.inertia[i]
    cx = pos[i, 0] + r[0, 0] * com[0] + r[0, 1] * com[1] + r[0, 2] * com[2]
    cy = pos[i, 1] + r[1, 0] * com[0] + r[1, 1] * com[1] + r[1, 2] * com[2]
    cz = pos[i, 2] + r[2, 0] * com[0] + r[2, 1] * com[1] + r[2, 2] * com[2]
    out[0] += m
    out[1] += m * cx
    out[2] += m * cy
    out[3] += m * cz
    out[4] += m * (cy * cy + cz * cz)
    out[5] += m * (cx * cx + cz * cz)
    out[6] += m * (cx * cx + cy * cy)
    out[7] -= m * cx * cy
    out[8] -= m * cx * cz
    out[9] -= m * cy * cz
    for b in range(3):
        t0 = r[0, 0] * inertia[0, b] + r[0, 1] * inertia[1, b] + r[0, 2] * inertia[2, b]
        t1 = r[1, 0] * inertia[0, b] + r[1, 1] * inertia[1, b] + r[1, 2] * inertia[2, b]
        t2 = r[2, 0] * inertia[0, b] + r[2, 1] * inertia[1, b] + r[2, 2] * inertia[2, b]
        out[4] += t0 * r[0, b]
        out[5] += t1 * r[1, b]
        out[6] += t2 * r[2, b]
        out[7] += t0 * r[1, b]
        out[8] += t0 * r[2, b]
        out[9] += t1 * r[2, b]


@kernel
def mass_matrix_into(model: np.void, rot: Array, pos: Array, composite: Array, out: Array) -> None:
    """``out`` (n, n): joint-space inertia with the rotors' armature; ``composite`` (10,) is scratch.

    Composite rigid bodies (Walker and Orin 1982), every quantity about the base's origin in base axes.
    """
    n = pos.shape[0]
    composite[:] = 0.0
    for i in range(n - 1, -1, -1):
        link_inertia_into(model, i, rot, pos, composite)
        m, hx, hy, hz, ixx, iyy, izz, ixy, ixz, iyz = composite
        zx, zy, zz = rot[i, 0, 2], rot[i, 1, 2], rot[i, 2, 2]
        px, py, pz = pos[i, 0], pos[i, 1], pos[i, 2]
        vx, vy, vz = py * zz - pz * zy, pz * zx - px * zz, px * zy - py * zx
        lx = m * vx + zy * hz - zz * hy
        ly = m * vy + zz * hx - zx * hz
        lz = m * vz + zx * hy - zy * hx
        kx = ixx * zx + ixy * zy + ixz * zz + hy * vz - hz * vy
        ky = ixy * zx + iyy * zy + iyz * zz + hz * vx - hx * vz
        kz = ixz * zx + iyz * zy + izz * zz + hx * vy - hy * vx
        for j in range(i + 1):
            ax, ay, az = rot[j, 0, 2], rot[j, 1, 2], rot[j, 2, 2]
            qx, qy, qz = pos[j, 0], pos[j, 1], pos[j, 2]
            value = ax * kx + ay * ky + az * kz
            value += (qy * az - qz * ay) * lx + (qz * ax - qx * az) * ly + (qx * ay - qy * ax) * lz
            out[i, j] = value
            out[j, i] = value
        out[i, i] += model.armature[i]
