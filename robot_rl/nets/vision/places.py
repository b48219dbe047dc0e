"""Sums over the places of maps that lie in memory channel by channel, as convolutions leave them, in one pass each.

Such maps are (B, P, C) with P places. A matrix product per channel would first have to turn them round, which takes
longer than the product. Arrays are float32, or bfloat16 as the upper half of a float32 in uint16; sums are in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from robot_rl.nets.fused import array
from robot_rl.nets.kernels import get, put

Maps = NDArray[Any]
"""(B, P, C), float32 or uint16."""
Kernel = NDArray[np.float32]
"""(P, F, C): F weights per place and channel."""
Sums = NDArray[np.float32]
"""(B, F, C)."""


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def weigh(x: Maps, kernel: Kernel, out: Sums) -> None:
    """out[b, f, c] = sum over p of x[b, p, c] kernel[p, f, c]."""
    rows, places, channels = x.shape
    row = np.empty(channels, np.float32)
    for b in range(rows):
        out[b] = np.float32(0.0)
        for p in range(places):
            for c in range(channels):
                row[c] = get(x[b, p, c])
            for f in range(kernel.shape[1]):
                for c in range(channels):
                    out[b, f, c] += row[c] * kernel[p, f, c]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def weigh_back(grad: Sums, kernel: Kernel, out: Maps) -> None:
    """Gradient of ``weigh`` with respect to x."""
    rows, places, channels = out.shape
    row = np.empty(channels, np.float32)
    for b in range(rows):
        for p in range(places):
            row[:] = np.float32(0.0)
            for f in range(kernel.shape[1]):
                for c in range(channels):
                    row[c] += grad[b, f, c] * kernel[p, f, c]
            for c in range(channels):
                put(out, (b, p, c), row[c])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def kernel_back(grad: Sums, x: Maps, out: Kernel) -> None:
    """Gradient of ``weigh`` with respect to its kernel, added to ``out``."""
    rows, places, channels = x.shape
    row = np.empty(channels, np.float32)
    for b in range(rows):
        for p in range(places):
            for c in range(channels):
                row[c] = get(x[b, p, c])
            for f in range(grad.shape[1]):
                for c in range(channels):
                    out[p, f, c] += row[c] * grad[b, f, c]


def fits(x: Tensor) -> bool:
    """Whether maps (B, C, H, W) lie so that ``sums`` can read them."""
    known = x.device.type == "cpu" and x.dtype in {torch.float32, torch.bfloat16}
    return known and x.shape[1] > 1 and x.is_contiguous(memory_format=torch.channels_last)


def sums(x: Tensor, kernel: Tensor) -> Tensor:
    """Maps (B, C, H, W) that ``fits`` and weights (C, P, F) -> (B, C, F) float32."""
    return _Sums.apply(x, kernel)


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:  # noqa: ANN401
        turned = kernel.permute(1, 2, 0).contiguous()
        out = torch.empty(len(x), *turned.shape[1:])
        weigh(_rows(x), turned.numpy(), out.numpy())
        ctx.save_for_backward(x, turned)
        return out.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor]:  # noqa: ANN401
        x, turned = ctx.saved_tensors
        grad = grads[0].transpose(1, 2).contiguous().numpy()
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        if dx is not None:
            weigh_back(grad, turned.numpy(), _rows(dx))
        dk = torch.zeros_like(turned)
        kernel_back(grad, _rows(x), dk.numpy())
        return dx, dk.permute(2, 0, 1)


def _rows(x: Tensor) -> Maps:
    """(B, C, H, W) as it lies -> (B, P, C)."""
    return array(x.permute(0, 2, 3, 1)).reshape(x.shape[0], -1, x.shape[1])
