"""Stiffness as modes: any symmetric 6x6 matrix, in base, task or tool axes, as springs along six directions.

A stiffness is six numbers k and ``axes`` (8, 6). Rows 0 to 5 of ``axes`` are directions v in metres and radians, mode i
stretches by v_i . (error), and the matrix is the sum of k_i v_i v_i^T. Row 6 is [kind, share, length]: kind 0 is the
plain law of ``impedance`` (translation along base axes, rotation along the reference's), 1 means that the modes are
given in base axes, 2 in the axes of the reference and turning with it; ``share`` of the caps goes to each mode, so that
no axis gets more than its cap; ``length`` [m] makes metres of radians. Row 7 is 1 / |v| in metres alone.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.law.impedance import huber, huber_force, spring_energy, spring_wrench_into
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import jacobi_eigen
from controllers.numeric.rotations import quat_rotate_into
from robot_rl.core.records import Array

PLAIN, FIXED, TURNING = 0.0, 1.0, 2.0
TASK, TOOL = 1, 2
"""``core.records.StiffnessFrame`` as the kernels know it."""


@kernel
def _stretch(error: Array, quat: Array, axes: Array, i: int) -> float:
    """How far mode ``i`` is stretched; a turning mode is turned with ``quat`` first."""
    v, s = axes[i], 0.0
    if axes[6, 0] != TURNING:
        for j in range(6):
            s += v[j] * error[j]
        return s
    x, y, z, w = quat[0], quat[1], quat[2], quat[3]
    for start in (0, 3):
        a, b, c = v[start], v[start + 1], v[start + 2]
        tx, ty, tz = 2.0 * (y * c - z * b), 2.0 * (z * a - x * c), 2.0 * (x * b - y * a)
        s += error[start] * (a + w * tx + y * tz - z * ty)
        s += error[start + 1] * (b + w * ty + z * tx - x * tz)
        s += error[start + 2] * (c + w * tz + x * ty - y * tx)
    return s


@kernel
def _bounds(axes: Array, i: int, clip: Array, cap: Array) -> tuple[float, float]:
    """Clip and force cap of mode ``i``, in its own units."""
    v, length, size = axes[i], axes[6, 2], axes[7, i]
    linear = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    force = axes[6, 1] * min(cap[0], cap[1] / length) * size
    return linear * clip[0] + (1.0 - linear) * clip[1], force


@kernel
def elastic_energy(error: Array, quat: Array, k: Array, axes: Array, clip: Array, cap: Array) -> float:
    """Energy [J] stored at ``error`` (6,) with the reference's orientation ``quat`` (4,)."""
    if axes[6, 0] == PLAIN:
        return spring_energy(error, quat, k, clip, cap)
    energy = 0.0
    for i in range(6):
        c, f = _bounds(axes, i, clip, cap)
        energy += huber(_stretch(error, quat, axes, i), k[i], c, f)
    return energy


@kernel
def elastic_wrench(config: np.void, state: np.void, out: Array) -> None:
    """``out`` (6,): minus the gradient of ``elastic_energy`` at ``state.error`` with respect to the pose of the arm."""
    error, quat, k, axes = state.error, state.reference[3:], state.stiffness, state.axes
    clip, cap = config.clip, config.wrench_max
    if axes[6, 0] == PLAIN:
        spring_wrench_into(error, quat, k, clip, cap, out)
        return
    modal = state.delta
    for j in range(6):
        modal[j] = 0.0
    for i in range(6):
        c, f = _bounds(axes, i, clip, cap)
        force = huber_force(_stretch(error, quat, axes, i), k[i], c, f)
        for j in range(6):
            modal[j] += force * axes[i, j]
    if axes[6, 0] == TURNING:
        state.six_a[:] = modal
        quat_rotate_into(quat, state.six_a[:3], modal[:3])
        quat_rotate_into(quat, state.six_a[3:], modal[3:])
    for j in range(3):
        out[j] = -modal[j]
    _moment_into(error, modal, out)


@kernel
def _moment_into(error: Array, f: Array, out: Array) -> None:
    """``out`` [3:] = -J_r(r)^-1 f[3:], r = error[3:]: how a gradient along the rotation vector becomes a moment."""
    x, y, z = error[3], error[4], error[5]
    theta2 = x * x + y * y + z * z
    half = 0.5 * math.sqrt(theta2)
    a = (1.0 - half / math.tan(half)) / theta2 if theta2 > 1e-6 else 1.0 / 12.0 + theta2 / 720.0
    cx, cy, cz = y * f[5] - z * f[4], z * f[3] - x * f[5], x * f[4] - y * f[3]
    out[3] = -(f[3] + 0.5 * cx + a * (y * cz - z * cy))
    out[4] = -(f[4] + 0.5 * cy + a * (z * cx - x * cz))
    out[5] = -(f[5] + 0.5 * cz + a * (x * cy - y * cx))


@kernel
def matrix_into(k: Array, axes: Array, out: Array) -> None:
    """``out`` (6, 6): the matrix of a stiffness, in its own axes. For kind 0: in those of base, as if it were one."""
    for i in range(6):
        for j in range(6):
            out[i, j] = 0.0
    if axes[6, 0] == PLAIN:
        for i in range(6):
            out[i, i] = k[i]
        return
    for m in range(6):
        for i in range(6):
            for j in range(6):
                out[i, j] += k[m] * axes[m, i] * axes[m, j]


@kernel
def turn_matrix(quat: Array, a: Array, vector: Array) -> None:
    """a := R a R^T, in place, R = R(quat) twice on the diagonal, a (6, 6); ``vector`` (6,) is scratch."""
    for turn in range(2):
        for i in range(6):
            for start in (0, 3):
                for j in range(3):
                    vector[j] = a[i, start + j] if turn == 0 else a[start + j, i]
                quat_rotate_into(quat, vector[:3], vector[3:])
                for j in range(3):
                    if turn == 0:
                        a[i, start + j] = vector[3 + j]
                    else:
                        a[start + j, i] = vector[3 + j]


@kernel
def decompose(a: Array, vectors: Array, length: float, k: Array, axes: Array) -> None:
    """Modes of the matrix ``a`` (6, 6), which is destroyed, into ``k`` (6,) and ``axes`` (8, 6) except its kind."""
    for i in range(6):
        for j in range(6):
            scale = (1.0 if i < 3 else 1.0 / length) * (1.0 if j < 3 else 1.0 / length)
            a[i, j] *= scale
    jacobi_eigen(a, vectors, 1e-12)
    widest = 0.0
    for j in range(6):
        across = 0.0
        for i in range(6):
            across += abs(vectors[i, j])
        widest = max(widest, across)
    axes[6, 1] = 1.0 / widest
    axes[6, 2] = length
    for i in range(6):
        size = 0.0
        for j in range(6):
            axes[i, j] = vectors[i, j] * (1.0 if j < 3 else length)
            size += axes[i, j] * axes[i, j]
        size = math.sqrt(size)
        for j in range(6):
            axes[i, j] /= size
        k[i] = a[i, i] * size * size
        axes[7, i] = size


@kernel
def task_stiffness_into(state: np.void, out: Array) -> None:
    """``out`` (6, 6): the present stiffness in base axes, as damping needs it."""
    matrix_into(state.stiffness, state.axes, out)
    if state.axes[6, 0] == TURNING:
        turn_matrix(state.reference[3:], out, state.six_a)
