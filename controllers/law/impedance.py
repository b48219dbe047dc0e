"""The impedance law: springs that are gradients of a potential, and damping that fits the inertia.

Errors are [p - p_d, Log(R R_d^T)] in base axes. Stiffness k (6,) is translational per base axis, rotational per axis of
the reference frame; clip and cap (2,) are linear and angular, and the clip shrinks until k clip <= cap.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import (
    cholesky_into,
    dot,
    gram_into,
    jacobi_again,
    norm3,
    solve_lower,
    solve_lower_rows,
    solve_upper,
    solve_upper_rows,
    transpose_into,
)
from robot_rl.core.records import Array

EPSILON = 1e-6
"""Added to the task mobility J M^-1 J^T so that it stays invertible in a singular posture."""


STALE_DAMPING = 4
"""Ticks after which the damping's modes are computed anew; at once when the stiffness has changed. With older modes the
damping is as symmetric and dissipative, since the factor of the inertia is always the present one; its ratio is 4 ms
old."""


@kernel
def huber(e: float, k: float, clip: float, cap: float) -> float:
    """Energy [J] of a spring of stiffness ``k`` whose force stops growing at |e| = min(clip, cap / k)."""
    c = min(clip, cap / k) if k > 0.0 else clip
    e = abs(e)
    return 0.5 * k * e * e if e <= c else k * c * (e - 0.5 * c)


@kernel
def huber_force(e: float, k: float, clip: float, cap: float) -> float:
    """The derivative of ``huber`` with respect to e [N]."""
    c = min(clip, cap / k) if k > 0.0 else clip
    return k * min(max(e, -c), c)


@kernel
def _isotropic(k: Array) -> bool:
    return k[3] == k[4] and k[4] == k[5]


@kernel
def _into_reference_frame(error: Array, quat: Array) -> tuple[float, float, float]:
    """The rotation error in the axes of the reference, R_d^T r = Log(R_d^T R)."""
    x, y, z, w = -quat[0], -quat[1], -quat[2], quat[3]
    tx = 2.0 * (y * error[5] - z * error[4])
    ty = 2.0 * (z * error[3] - x * error[5])
    tz = 2.0 * (x * error[4] - y * error[3])
    return (
        error[3] + w * tx + y * tz - z * ty,
        error[4] + w * ty + z * tx - x * tz,
        error[5] + w * tz + x * ty - y * tx,
    )


@kernel
def spring_energy(error: Array, quat: Array, k: Array, clip: Array, cap: Array) -> float:
    """Energy [J] stored at ``error`` (6,) with the reference's orientation ``quat`` (4,)."""
    energy = 0.0
    for i in range(3):
        energy += huber(error[i], k[i], clip[0], cap[0])
    if _isotropic(k):
        return energy + huber(norm3(error, 3), k[3], clip[1], cap[1])
    x, y, z = _into_reference_frame(error, quat)
    energy += huber(x, k[3], clip[1], cap[1]) + huber(y, k[4], clip[1], cap[1])
    return energy + huber(z, k[5], clip[1], cap[1])


@kernel
def spring_wrench_into(error: Array, quat: Array, k: Array, clip: Array, cap: Array, out: Array) -> None:
    """``out`` (6,): force and moment of the springs on the arm, minus the gradient of ``spring_energy``."""
    for i in range(3):
        out[i] = -huber_force(error[i], k[i], clip[0], cap[0])
    if not _isotropic(k):
        _anisotropic_moment_into(error, quat, k, clip[1], cap[1], out[3:])
        return
    angle = norm3(error, 3)
    factor = -huber_force(angle, k[3], clip[1], cap[1]) / angle if angle > 1e-12 else -k[3]
    for i in range(3, 6):
        out[i] = factor * error[i]


@kernel
def _anisotropic_moment_into(error: Array, quat: Array, k: Array, clip: float, cap: float, out: Array) -> None:
    """``out`` (3,) = -R_d J_r(rho)^-1 f(rho), f the springs' moments along the reference's axes.

    J_r is the right Jacobian of SO(3); plain -f(rho) is no gradient when the stiffness is anisotropic.
    """
    x, y, z = _into_reference_frame(error, quat)
    fx = huber_force(x, k[3], clip, cap)
    fy = huber_force(y, k[4], clip, cap)
    fz = huber_force(z, k[5], clip, cap)
    theta2 = x * x + y * y + z * z
    half = 0.5 * math.sqrt(theta2)
    a = (1.0 - half / math.tan(half)) / theta2 if theta2 > 1e-6 else 1.0 / 12.0 + theta2 / 720.0
    cx, cy, cz = y * fz - z * fy, z * fx - x * fz, x * fy - y * fx
    mx = -(fx + 0.5 * cx + a * (y * cz - z * cy))
    my = -(fy + 0.5 * cy + a * (z * cx - x * cz))
    mz = -(fz + 0.5 * cz + a * (x * cy - y * cx))
    qx, qy, qz, qw = quat[0], quat[1], quat[2], quat[3]
    tx, ty, tz = 2.0 * (qy * mz - qz * my), 2.0 * (qz * mx - qx * mz), 2.0 * (qx * my - qy * mx)
    out[0] = mx + qw * tx + qy * tz - qz * ty
    out[1] = my + qw * ty + qz * tx - qx * tz
    out[2] = mz + qw * tz + qx * ty - qy * tx


@kernel
def task_dynamics(state: np.void, added: float) -> None:
    """Factor the mass matrix and the task mobility J M^-1 J^T + eps = C C^T, and make ``to_wrench`` of them.

    ``to_wrench`` (6, n) = Lambda J M^-1, Lambda = (C C^T)^-1, is the transposed dynamically consistent inverse of the
    Jacobian: joint torques times it are a wrench at the tool. ``added`` is what eps gets in a singular posture on top
    of the little that it always has.
    """
    cholesky_into(state.mass, state.mass_chol)
    solved, task, to_wrench = state.solved, state.matrix_a, state.to_wrench
    transpose_into(state.jacobian, solved)
    solve_lower_rows(state.mass_chol, solved)
    gram_into(solved, task)
    for i in range(6):
        task[i, i] += EPSILON + added
    cholesky_into(task, state.task_chol)
    solve_upper_rows(state.mass_chol, solved)
    transpose_into(solved, to_wrench)
    solve_lower_rows(state.task_chol, to_wrench)
    solve_upper_rows(state.task_chol, to_wrench)


@kernel
def damping_modes(state: np.void) -> None:
    """Eigenvalues (squared modal frequencies) and vectors of C^T K C, the stiffness seen by unit modal inertia."""
    c, k, a = state.task_chol, state.stiffness, state.eigen
    for i in range(6):
        for j in range(i + 1):
            s = 0.0
            for m in range(i, 6):
                s += c[m, i] * k[m] * c[m, j]
            a[i, j] = s
            a[j, i] = s
    jacobi_again(a, state.modes, state.matrix_b, 1e-10)


@kernel
def damping_modes_of(state: np.void, k: Array) -> None:
    """``damping_modes`` for a full stiffness matrix ``k`` (6, 6) in base axes."""
    c, a = state.task_chol, state.eigen
    for i in range(6):
        for j in range(i + 1):
            s = 0.0
            for m in range(i, 6):
                for p in range(j, 6):
                    s += c[m, i] * k[m, p] * c[p, j]
            a[i, j] = s
            a[j, i] = s
    jacobi_again(a, state.modes, state.matrix_b, 1e-10)


@kernel
def damping_into(config: np.void, state: np.void, twist: Array, out: Array) -> None:
    """``out`` (6,) = -D twist with the damping that belongs to the stiffness, and the little that is always there."""
    damping_wrench_into(state, config.zeta, twist, out)
    for i in range(6):
        out[i] -= config.damping_min[i // 3] * twist[i]


@kernel
def damping_wrench_into(state: np.void, zeta: float, twist: Array, out: Array) -> None:
    """``out`` (6,) = -D twist, D = 2 zeta C^-T (C^T K C)^1/2 C^-1: every mode of the spring has the ratio ``zeta``.

    Double diagonalisation (Albu-Schaeffer et al. 2003) with the factor of the mobility, so that no inverse is formed.
    """
    modal = state.six_b
    out[:] = twist
    solve_lower(state.task_chol, out)
    for i in range(6):
        modal[i] = 2.0 * zeta * math.sqrt(max(0.0, state.eigen[i, i])) * dot(state.modes[i], out)
    for j in range(6):
        out[j] = 0.0
    for i in range(6):
        for j in range(6):
            out[j] -= modal[i] * state.modes[i, j]
    solve_upper(state.task_chol, out)
