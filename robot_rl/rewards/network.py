"""The success classifier's network: images of some cameras -> logit of success."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

CHANNELS = (16, 32, 64)
"""Of the convolutions, each of which halves the image."""
SPATIAL = 8
"""Weighted sums over the image per channel."""
WIDTH = 64
"""Features per camera, and of the layer before the logit."""


class SpatialEmbedding(nn.Module):
    """Learned weighted sums over the places of a feature map: (B, C, h, w) -> (B, C * F). Where, and not only what."""

    def __init__(self, channels: int, side: int, sums: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, sums, side * side) / side)

    def forward(self, x: Tensor) -> Tensor:
        """All sums."""
        return torch.einsum("bcp,cfp->bcf", x.flatten(2), self.weight).flatten(1)


class ConvEncoder(nn.Module):
    """Three strided convolutions, spatial sums, a layer: (B, 3, S, S) -> (B, ``WIDTH``)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 3, size
        for channels in CHANNELS:
            layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1), nn.ReLU()]
            before, side = channels, math.ceil(side / 2)
        self.convolutions = nn.Sequential(*layers)
        self.spatial = SpatialEmbedding(before, side, SPATIAL)
        self.out = nn.Sequential(nn.Linear(before * SPATIAL, WIDTH), nn.LayerNorm(WIDTH), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Features."""
        return self.out(self.spatial(self.convolutions(x)))


class SuccessNet(nn.Module):
    """One encoder per camera, and a head on all of them."""

    def __init__(self, cameras: Sequence[str], size: int, dropout: float) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(ConvEncoder(size) for _ in cameras)
        self.head = nn.Sequential(nn.Linear(WIDTH * len(cameras), WIDTH), nn.LayerNorm(WIDTH), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.logit = nn.Linear(WIDTH, 1)

    def features(self, images: Tensor) -> Tensor:
        """uint8 images (B, C, S, S, 3) of all cameras -> the features (B, ``WIDTH``) that the logit is made of."""
        scaled = images.permute(1, 0, 4, 2, 3).float() / 127.5 - 1.0
        encoded = [encoder(one) for encoder, one in zip(self.encoders, scaled, strict=True)]
        return self.head(torch.cat(encoded, dim=-1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits of success, (B,)."""
        return self.logit(self.dropout(self.features(images))).squeeze(-1)


def trained_share(network: nn.Module, images: Tensor) -> tuple[int, int]:
    """Parameters that a loss on these images really has a gradient for, and all parameters."""
    network.zero_grad(set_to_none=True)
    network(images).sum().backward()
    reached = sum(p.numel() for p in network.parameters() if p.grad is not None and bool((p.grad != 0).any()))
    network.zero_grad(set_to_none=True)
    return reached, sum(p.numel() for p in network.parameters())
