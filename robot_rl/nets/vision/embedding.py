"""From maps to a vector without losing where things are: every channel is weighed at every place."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robot_rl.nets.vision.places import fits, sums


class SpatialEmbedding(nn.Module):
    """Learned spatial embeddings (Luo et al. 2024, SERL): (B, C, H, W) -> (B, C * F), sums over places with F weights.

    .. math:: y_{bcf} = \\sum_{hw} x_{bchw} k_{cfhw}
    """

    def __init__(self, channels: int, height: int, width: int, features: int) -> None:
        super().__init__()
        places = height * width
        self.kernel = nn.Parameter(torch.randn(channels, places, features) / places**0.5)
        self.width = channels * features

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (B, C * F); as one matrix product per channel, or on the CPU in passes over the maps as they lie."""
        if fits(x):
            return sums(x, self.kernel).flatten(1)
        rows = x.to(self.kernel.dtype).flatten(2).transpose(0, 1)  # (C, B, HW)
        return torch.bmm(rows, self.kernel).transpose(0, 1).flatten(1)
