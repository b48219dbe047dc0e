"""A small convolutional network for images of 64 to 128 pixels, trained from scratch."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

CHANNELS = (32, 32, 64, 64)
"""Of the layers. The first two halve the image; the others keep its resolution, so that millimetres are not lost."""
STRIDES = (2, 2, 1, 1)


class SmallConv(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> maps (B, C, H / 4, W / 4)."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip(itertools.pairwise((3, *CHANNELS)), STRIDES, strict=True)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, stride, 1) for (a, b), stride in pairs)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for width in CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of what is where."""
        x = x - 0.5
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x)).relu()
        return x
