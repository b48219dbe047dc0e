"""What lies between the matrix products of a critic ensemble, in one pass over memory each, on the CPU.

Bias, LayerNorm, scale, shift, ReLU, and behind the last of them the head; forward and backward. A wide ensemble of
small networks spends two thirds of its time in these element-wise steps when they run one by one. Arrays are float32,
or bfloat16 as the upper half of a float32 in uint16; all arithmetic is in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

Rows = NDArray[Any]
"""(E, B, n), float32 or uint16."""
Parameter = NDArray[np.float32]
"""(E, n)."""
EPSILON = np.float32(1e-5)


def get(value: Any) -> Any:  # noqa: ANN401
    """An element as float32; compiled only."""
    raise NotImplementedError


def put(array: Rows, at: tuple[int, int, int], value: Any) -> None:  # noqa: ANN401
    """Store a float32, rounded to what the array keeps; compiled only."""
    raise NotImplementedError


@overload(get)
def _get(value):  # noqa: ANN001, ANN202  (numba compares the signatures, annotations too)
    if value == types.uint16:
        return lambda value: np.uint32(np.uint32(value) << np.uint32(16)).view(np.float32)
    return lambda value: value


@overload(put)
def _put(array, at, value):  # noqa: ANN001, ANN202, ARG001
    def whole(array, at, value):  # noqa: ANN001, ANN202
        array[at] = value

    def half(array, at, value):  # noqa: ANN001, ANN202
        bits = np.float32(value).view(np.uint32)
        even = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        array[at] = np.uint16(np.uint32(bits + even) >> np.uint32(16))

    return half if array.dtype == types.uint16 else whole


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def normalise(x: Rows, e: int, b: int, bias: Parameter, row: Parameter) -> np.float32:
    """Write the normalised row (e, b) of ``x`` + bias to ``x`` and ``row`` (n,); returns 1 / its deviation."""
    n = len(row)
    total = np.float32(0.0)
    for i in range(n):
        value = get(x[e, b, i]) + bias[e, i]
        row[i] = value
        total += value
    mean = total / np.float32(n)
    square = np.float32(0.0)
    for i in range(n):
        row[i] -= mean
        square += row[i] * row[i]
    factor = np.float32(1.0) / np.sqrt(square / np.float32(n) + EPSILON)
    for i in range(n):
        row[i] *= factor
        put(x, (e, b, i), row[i])
    return factor


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def hidden(x: Rows, bias: Parameter, scale: Parameter, shift: Parameter, out: Rows, inverse: Parameter) -> None:
    """out = relu(scale * LayerNorm(x + bias) + shift); ``x`` becomes normalised, ``inverse`` (E, B) 1 / deviation."""
    members, rows, n = x.shape
    row = np.empty(n, np.float32)
    for e in range(members):
        for b in range(rows):
            inverse[e, b] = normalise(x, e, b, bias, row)
            for i in range(n):
                put(out, (e, b, i), max(scale[e, i] * row[i] + shift[e, i], np.float32(0.0)))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def head(x: Rows, layer: tuple[Parameter, ...], weight: Parameter, out: Parameter, inverse: Parameter) -> None:
    """As ``hidden`` with ``layer`` = bias, scale, shift, then the inner product with ``weight`` (E, n): out (E, B)."""
    bias, scale, shift = layer
    members, rows, n = x.shape
    row = np.empty(n, np.float32)
    for e in range(members):
        for b in range(rows):
            inverse[e, b] = normalise(x, e, b, bias, row)
            value = np.float32(0.0)
            for i in range(n):
                value += weight[e, i] * max(scale[e, i] * row[i] + shift[e, i], np.float32(0.0))
            out[e, b] = value


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def through(g: Parameter, normal: Parameter, factor: np.float32) -> None:
    """Gradient ``g`` (n,) with respect to a normalised row -> with respect to the row before, in place."""
    n = len(g)
    first = np.float32(0.0)
    second = np.float32(0.0)
    for i in range(n):
        first += g[i]
        second += g[i] * normal[i]
    first /= np.float32(n)
    second /= np.float32(n)
    for i in range(n):
        g[i] = factor * (g[i] - first - normal[i] * second)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def hidden_back(grad: Rows, x: Rows, layer: tuple[Parameter, ...], out: Rows, sums: Parameter) -> None:
    """Backward of ``hidden``.

    Args:
        grad: With respect to its result, (E, B, n).
        x: Normalised rows.
        layer: Scale and shift (E, n), and 1 / deviation (E, B).
        out: Becomes the gradient with respect to what went in.
        sums: (4, E, n), to which those of bias, scale and shift are added.
    """
    scale, shift, inverse = layer
    members, rows, n = x.shape
    g, normal = np.empty(n, np.float32), np.empty(n, np.float32)
    for e in range(members):
        for b in range(rows):
            for i in range(n):
                value = get(x[e, b, i])
                passed = get(grad[e, b, i]) if scale[e, i] * value + shift[e, i] > 0 else np.float32(0.0)
                sums[1, e, i] += passed * value
                sums[2, e, i] += passed
                normal[i] = value
                g[i] = passed * scale[e, i]
            through(g, normal, inverse[e, b])
            for i in range(n):
                sums[0, e, i] += g[i]
                put(out, (e, b, i), g[i])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def head_back(grad: Parameter, x: Rows, layer: tuple[Parameter, ...], out: Rows, sums: Parameter) -> None:
    """Backward of ``head``: as ``hidden_back`` with grad (E, B); ``layer`` ends with its weight, ``sums`` too."""
    scale, shift, inverse, weight = layer
    members, rows, n = x.shape
    g, normal = np.empty(n, np.float32), np.empty(n, np.float32)
    for e in range(members):
        for b in range(rows):
            for i in range(n):
                value = get(x[e, b, i])
                before = scale[e, i] * value + shift[e, i]
                passed = grad[e, b] * weight[e, i] if before > 0 else np.float32(0.0)
                sums[1, e, i] += passed * value
                sums[2, e, i] += passed
                sums[3, e, i] += grad[e, b] * max(before, np.float32(0.0))
                normal[i] = value
                g[i] = passed * scale[e, i]
            through(g, normal, inverse[e, b])
            for i in range(n):
                sums[0, e, i] += g[i]
                put(out, (e, b, i), g[i])
