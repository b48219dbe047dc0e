"""A small convolutional network for images of 64 to 128 pixels, trained from scratch."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

CHANNELS = (16, 32, 32)
"""Of the layers. Two of them halve the image, and no more: a millimetre is about a pixel."""
STRIDES = (2, 2, 1)
KERNELS = (5, 3, 3)


class SmallConv(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> maps (B, C, H / 4, W / 4)."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip(itertools.pairwise((3, *CHANNELS)), STRIDES, KERNELS, strict=True)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, kernel, stride, kernel // 2) for (a, b), stride, kernel in pairs)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of what is where."""
        x = x - 0.5
        for layer in self.layers:
            x = layer(x).relu()
        return x
