"""Quaternions xyzw and poses (x y z, qx qy qz qw), from Python and from kernels.

Functions return fresh arrays; their twins named ``*_into`` write into ``out`` and allocate nothing.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from robot_rl.core.records import Array


@kernel
def quat_multiply_into(a: Array, b: Array, out: Array) -> None:
    """``out`` (4,) = a * b; may alias neither."""
    out[0] = a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1]
    out[1] = a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0]
    out[2] = a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3]
    out[3] = a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]


@kernel
def quat_rotate_into(quat: Array, vector: Array, out: Array) -> None:
    """``out`` (3,) = R(quat) vector; may not alias ``vector``."""
    x, y, z, w = quat[0], quat[1], quat[2], quat[3]
    tx = 2.0 * (y * vector[2] - z * vector[1])
    ty = 2.0 * (z * vector[0] - x * vector[2])
    tz = 2.0 * (x * vector[1] - y * vector[0])
    out[0] = vector[0] + w * tx + y * tz - z * ty
    out[1] = vector[1] + w * ty + z * tx - x * tz
    out[2] = vector[2] + w * tz + x * ty - y * tx


@kernel
def quat_to_matrix_into(quat: Array, out: Array) -> None:
    """``out`` (3, 3) = the rotation matrix of a unit quaternion."""
    x, y, z, w = quat[0], quat[1], quat[2], quat[3]
    out[0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[0, 1] = 2.0 * (x * y - w * z)
    out[0, 2] = 2.0 * (x * z + w * y)
    out[1, 0] = 2.0 * (x * y + w * z)
    out[1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[1, 2] = 2.0 * (y * z - w * x)
    out[2, 0] = 2.0 * (x * z - w * y)
    out[2, 1] = 2.0 * (y * z + w * x)
    out[2, 2] = 1.0 - 2.0 * (x * x + y * y)


@kernel
def matrix_to_quat_into(matrix: Array, out: Array) -> None:
    """``out`` (4,) = the unit quaternion of a rotation matrix (3, 3), w >= 0; largest component first (Shepperd)."""
    trace = matrix[0, 0] + matrix[1, 1] + matrix[2, 2]
    i = 0
    if matrix[1, 1] > matrix[0, 0]:
        i = 1
    if matrix[2, 2] > matrix[i, i]:
        i = 2
    if trace > matrix[i, i]:
        out[3] = 1.0 + trace
        out[0] = matrix[2, 1] - matrix[1, 2]
        out[1] = matrix[0, 2] - matrix[2, 0]
        out[2] = matrix[1, 0] - matrix[0, 1]
    else:
        j, k = (i + 1) % 3, (i + 2) % 3
        out[i] = 1.0 + matrix[i, i] - matrix[j, j] - matrix[k, k]
        out[j] = matrix[j, i] + matrix[i, j]
        out[k] = matrix[k, i] + matrix[i, k]
        out[3] = matrix[k, j] - matrix[j, k]
    quat_normalise(out)
    if out[3] < 0.0:
        for m in range(4):
            out[m] = -out[m]


@kernel
def quat_normalise(quat: Array) -> None:
    """Scale ``quat`` (4,) to unit length, in place."""
    scale = 1.0 / math.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3])
    for i in range(4):
        quat[i] *= scale


@kernel
def rotvec_to_quat_into(rotvec: Array, out: Array) -> None:
    """``out`` (4,) = Exp(rotvec), rotvec (3,) [rad]."""
    angle = math.sqrt(rotvec[0] * rotvec[0] + rotvec[1] * rotvec[1] + rotvec[2] * rotvec[2])
    half = 0.5 * angle
    factor = 0.5 - angle * angle / 48.0 if angle < 1e-4 else math.sin(half) / angle
    out[0] = factor * rotvec[0]
    out[1] = factor * rotvec[1]
    out[2] = factor * rotvec[2]
    out[3] = math.cos(half)


@kernel
def quat_to_rotvec_into(quat: Array, out: Array) -> None:
    """``out`` (3,) = Log(quat) [rad], the shortest rotation, length in [0, pi]; finite everywhere (atan2)."""
    sign = 1.0 if quat[3] >= 0.0 else -1.0
    norm = math.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2])
    w = sign * quat[3]
    factor = 2.0 / w if norm < 1e-12 else 2.0 * math.atan2(norm, w) / norm
    for i in range(3):
        out[i] = sign * factor * quat[i]


@kernel
def rotation_error_into(a: Array, b: Array, out: Array) -> None:
    """``out`` (3,) = Log(a b^-1) [rad], base axes, of quaternions a and b (4,)."""
    x = -a[3] * b[0] + a[0] * b[3] - a[1] * b[2] + a[2] * b[1]
    y = -a[3] * b[1] + a[0] * b[2] + a[1] * b[3] - a[2] * b[0]
    z = -a[3] * b[2] - a[0] * b[1] + a[1] * b[0] + a[2] * b[3]
    w = a[3] * b[3] + a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    sign = 1.0 if w >= 0.0 else -1.0
    norm = math.sqrt(x * x + y * y + z * z)
    factor = sign * (2.0 / (sign * w) if norm < 1e-12 else 2.0 * math.atan2(norm, sign * w) / norm)
    out[0] = factor * x
    out[1] = factor * y
    out[2] = factor * z


@kernel
def pose_error_into(pose_a: Array, pose_b: Array, out: Array) -> None:
    """``out`` (6,) = [p_a - p_b, Log(R_a R_b^T)], base axes [m, rad]."""
    for i in range(3):
        out[i] = pose_a[i] - pose_b[i]
    rotation_error_into(pose_a[3:], pose_b[3:], out[3:])


@kernel
def pose_add_into(pose: Array, delta: Array, out: Array) -> None:
    """``out`` (7,) = [p + delta_p, Exp(delta_r) R], base axes: the inverse of ``pose_error``; may alias ``pose``."""
    for i in range(3):
        out[i] = pose[i] + delta[i]
    angle = math.sqrt(delta[3] * delta[3] + delta[4] * delta[4] + delta[5] * delta[5])
    factor = 0.5 - angle * angle / 48.0 if angle < 1e-4 else math.sin(0.5 * angle) / angle
    ax, ay, az, aw = factor * delta[3], factor * delta[4], factor * delta[5], math.cos(0.5 * angle)
    bx, by, bz, bw = pose[3], pose[4], pose[5], pose[6]
    out[3] = aw * bx + ax * bw + ay * bz - az * by
    out[4] = aw * by - ax * bz + ay * bw + az * bx
    out[5] = aw * bz + ax * by - ay * bx + az * bw
    out[6] = aw * bw - ax * bx - ay * by - az * bz
    quat_normalise(out[3:])


@kernel
def quat_multiply(a: Array, b: Array) -> Array:
    """The product a * b of two quaternions, (4,)."""
    out = np.empty(4)
    quat_multiply_into(a, b, out)
    return out


@kernel
def quat_inverse(quat: Array) -> Array:
    """The inverse of a unit quaternion, (4,)."""
    return np.array((-quat[0], -quat[1], -quat[2], quat[3]))


@kernel
def quat_rotate(quat: Array, vector: Array) -> Array:
    """R(quat) vector, (3,)."""
    out = np.empty(3)
    quat_rotate_into(quat, vector, out)
    return out


@kernel
def quat_to_matrix(quat: Array) -> Array:
    """The rotation matrix (3, 3) of a unit quaternion."""
    out = np.empty((3, 3))
    quat_to_matrix_into(quat, out)
    return out


@kernel
def matrix_to_quat(matrix: Array) -> Array:
    """The unit quaternion (4,) of a rotation matrix (3, 3), w >= 0."""
    out = np.empty(4)
    matrix_to_quat_into(matrix, out)
    return out


@kernel
def rotvec_to_quat(rotvec: Array) -> Array:
    """Exp: rotation vector (3,) [rad] to quaternion (4,)."""
    out = np.empty(4)
    rotvec_to_quat_into(rotvec, out)
    return out


@kernel
def quat_to_rotvec(quat: Array) -> Array:
    """Log: quaternion (4,) to the shortest rotation vector (3,) [rad]."""
    out = np.empty(3)
    quat_to_rotvec_into(quat, out)
    return out


@kernel
def pose_multiply(pose_a: Array, pose_b: Array) -> Array:
    """T_a T_b, (7,)."""
    out = np.empty(7)
    quat_rotate_into(pose_a[3:], pose_b[:3], out[:3])
    for i in range(3):
        out[i] += pose_a[i]
    quat_multiply_into(pose_a[3:], pose_b[3:], out[3:])
    return out


@kernel
def pose_inverse(pose: Array) -> Array:
    """T^-1, (7,)."""
    out = np.empty(7)
    out[3:] = quat_inverse(pose[3:])
    quat_rotate_into(out[3:], pose[:3], out[:3])
    for i in range(3):
        out[i] = -out[i]
    return out


@kernel
def pose_error(pose_a: Array, pose_b: Array) -> Array:
    """[p_a - p_b, Log(R_a R_b^T)], (6,) [m, rad], base axes."""
    out = np.empty(6)
    pose_error_into(pose_a, pose_b, out)
    return out


@kernel
def pose_add(pose: Array, delta: Array) -> Array:
    """[p + delta_p, Exp(delta_r) R], (7,), base axes: the inverse of ``pose_error``."""
    out = np.empty(7)
    pose_add_into(pose, delta, out)
    return out
