"""Small dense linear algebra without allocations: Cholesky, triangular solves, Jacobi eigenvalues."""

from __future__ import annotations

import math

from controllers.numeric.jit import kernel
from robot_rl.core.records import Array


@kernel
def cholesky_into(a: Array, out: Array) -> None:
    """``out`` (n, n): lower factor L of a = L L^T, a symmetric positive definite; what is above the diagonal stays."""
    n = a.shape[0]
    for j in range(n):
        s = a[j, j]
        for k in range(j):
            s -= out[j, k] * out[j, k]
        d = math.sqrt(s)
        out[j, j] = d
        inv = 1.0 / d
        for i in range(j + 1, n):
            s = a[i, j]
            for k in range(j):
                s -= out[i, k] * out[j, k]
            out[i, j] = s * inv


@kernel
def solve_lower(lower: Array, x: Array) -> None:
    """x := L^-1 x, in place, x (n,)."""
    for i in range(x.shape[0]):
        s = x[i]
        for k in range(i):
            s -= lower[i, k] * x[k]
        x[i] = s / lower[i, i]


@kernel
def solve_upper(lower: Array, x: Array) -> None:
    """x := L^-T x, in place, x (n,)."""
    for i in range(x.shape[0] - 1, -1, -1):
        s = x[i]
        for k in range(i + 1, x.shape[0]):
            s -= lower[k, i] * x[k]
        x[i] = s / lower[i, i]


@kernel
def solve_lower_rows(lower: Array, x: Array) -> None:
    """x := L^-1 x, in place, x (n, m): all columns at once, which a processor does side by side."""
    for i in range(x.shape[0]):
        for k in range(i):
            for j in range(x.shape[1]):
                x[i, j] -= lower[i, k] * x[k, j]
        inverse = 1.0 / lower[i, i]
        for j in range(x.shape[1]):
            x[i, j] *= inverse


@kernel
def solve_upper_rows(lower: Array, x: Array) -> None:
    """x := L^-T x, in place, x (n, m)."""
    for i in range(x.shape[0] - 1, -1, -1):
        for k in range(i + 1, x.shape[0]):
            for j in range(x.shape[1]):
                x[i, j] -= lower[k, i] * x[k, j]
        inverse = 1.0 / lower[i, i]
        for j in range(x.shape[1]):
            x[i, j] *= inverse


@kernel
def matvec_into(a: Array, x: Array, out: Array) -> None:
    """``out`` (m,) = a x, a (m, n)."""
    for i in range(a.shape[0]):
        s = 0.0
        for k in range(a.shape[1]):
            s += a[i, k] * x[k]
        out[i] = s


@kernel
def matvec_transposed_into(a: Array, x: Array, out: Array) -> None:
    """``out`` (n,) = a^T x, a (m, n)."""
    for k in range(a.shape[1]):
        out[k] = 0.0
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            out[k] += a[i, k] * x[i]


@kernel
def transpose_into(a: Array, out: Array) -> None:
    """``out`` (m, n) = a^T, a (n, m)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = a[j, i]


@kernel
def gram_into(a: Array, out: Array) -> None:
    """``out`` (m, m) = a^T a, a (n, m); what is above the diagonal stays."""
    for i in range(a.shape[1]):
        for j in range(i + 1):
            out[i, j] = 0.0
    for k in range(a.shape[0]):
        for i in range(a.shape[1]):
            for j in range(i + 1):
                out[i, j] += a[k, i] * a[k, j]


@kernel
def dot(a: Array, b: Array) -> float:
    """The sum of a_i b_i."""
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * b[i]
    return s


@kernel
def norm3(a: Array, start: int) -> float:
    """Length of the three entries of ``a`` from ``start`` on."""
    return math.sqrt(a[start] * a[start] + a[start + 1] * a[start + 1] + a[start + 2] * a[start + 2])


@kernel
def _rotate(a: Array, vectors: Array, p: int, r: int) -> None:
    """One Jacobi rotation that zeroes a[p, r]; ``a`` full symmetric, ``vectors`` holds eigenvectors in its rows."""
    theta = (a[r, r] - a[p, p]) / (2.0 * a[p, r])
    t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
    if theta < 0.0:
        t = -t
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    a_pp, a_rr, shift = a[p, p], a[r, r], t * a[p, r]
    for k in range(a.shape[0]):
        x, y = a[p, k], a[r, k]
        a[p, k] = c * x - s * y
        a[r, k] = s * x + c * y
        x, y = vectors[p, k], vectors[r, k]
        vectors[p, k] = c * x - s * y
        vectors[r, k] = s * x + c * y
    for k in range(a.shape[0]):
        a[k, p] = a[p, k]
        a[k, r] = a[r, k]
    a[p, p] = a_pp - shift
    a[r, r] = a_rr + shift
    a[p, r] = 0.0
    a[r, p] = 0.0


@kernel
def _sweep(a: Array, vectors: Array, limit: float) -> bool:
    """Zero every off-diagonal entry beyond ``limit`` once; False when there was none."""
    found = False
    for p in range(a.shape[0] - 1):
        for r in range(p + 1, a.shape[0]):
            if abs(a[p, r]) > limit:
                _rotate(a, vectors, p, r)
                found = True
    return found


@kernel
def jacobi_eigen(a: Array, vectors: Array, tolerance: float) -> None:
    """Cyclic Jacobi: eigenvalues of symmetric ``a`` (n, n) onto its diagonal, eigenvectors into rows of ``vectors``.

    Stops when every off-diagonal entry is below ``tolerance`` times the trace, after ten sweeps at the latest.
    """
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            vectors[i, j] = 1.0 if i == j else 0.0
    _diagonalise(a, vectors, tolerance)


@kernel
def jacobi_again(a: Array, vectors: Array, scratch: Array, tolerance: float) -> None:
    """``jacobi_eigen`` of a matrix near the last one: it starts from the last ``vectors`` and needs one or two sweeps.

    Vectors that are not of unit length (none yet, or rounding has added up) are forgotten. Scratch (n, n).
    """
    n = a.shape[0]
    for i in range(n):
        if not abs(dot(vectors[i], vectors[i]) - 1.0) < 1e-9:
            jacobi_eigen(a, vectors, tolerance)
            return
    for i in range(n):
        matvec_into(a, vectors[i], scratch[i])
    for i in range(n):
        for j in range(i + 1):
            a[i, j] = dot(vectors[i], scratch[j])
            a[j, i] = a[i, j]
    _diagonalise(a, vectors, tolerance)


@kernel
def _diagonalise(a: Array, vectors: Array, tolerance: float) -> None:
    n = a.shape[0]
    limit = 0.0
    for i in range(n):
        limit += tolerance * abs(a[i, i])
    for _ in range(10):
        if not _sweep(a, vectors, limit):
            break
