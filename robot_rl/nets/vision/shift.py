"""Random shift of a batch of images where the batch is, on the CPU or on a GPU (DrQ, Yarats et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_offsets(count: int, largest: int, device: torch.device | str = "cpu") -> Tensor:
    """Row and column offsets, each evenly from -largest to largest, (count, 2)."""
    return torch.randint(-largest, largest + 1, (count, 2), device=device)


def shift(images: Tensor, offset: Tensor) -> Tensor:
    """Each image moved by its offset, the edge repeated.

    ``out[b, y, x] = images[b, clamp(y + offset[b, 0]), clamp(x + offset[b, 1])]``: what padding with the edge and
    cutting out come to, and what ``robot_rl.data.loading.augment`` does, bit for bit.

    Args:
        images: (B, H, W, C), of any type.
        offset: Whole pixels, (B, 2).

    Returns:
        The same shape and type.
    """
    count, height, width = images.shape[:3]
    rows = torch.arange(height, device=images.device) + offset[:, :1]
    columns = torch.arange(width, device=images.device) + offset[:, 1:]
    batch = torch.arange(count, device=images.device)[:, None, None]
    return images[batch, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
