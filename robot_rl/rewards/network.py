"""The success classifier's network: images of some cameras -> logit of success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.embedding import SpatialEmbedding
from robot_rl.nets.vision.eyes import make_encoder
from robot_rl.nets.vision.scale import to_network

CHANNELS: Final = (16, 32, 64)
"""Of the small encoder's convolutions, each of which halves the image."""
WIDTH: Final = 64
"""Features per camera, and of the layer before the logit."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What the network is."""

    encoder: Literal["small", "conv", "resnet10", "resnet18"] = "small"
    """``small``: three strided convolutions, trained from scratch; the others are those of policies, and larger."""
    weights: str = ""
    """For the encoder to begin with: a .safetensors file, or ``hub:OWNER/NAME``; empty: random."""
    frozen: bool = False
    """Keep the encoder as it is; everything behind it learns."""
    places: int = 8
    """Weighted sums over the image per channel."""
    size: int = 64
    """Edge of the images that it sees [pixels]."""
    dropout: float = 0.1
    """Before the last layer."""

    def __post_init__(self) -> None:
        if self.size < 16 or self.places < 1 or not 0.0 <= self.dropout < 1.0:
            raise ConfigError("network: give a size of 16 or more, 1 place or more, and a dropout from 0 to below 1")
        if self.frozen and not self.weights:
            raise ConfigError("network: a frozen encoder needs weights: name a .safetensors file, or hub:OWNER/NAME")


def small_encoder() -> nn.Sequential:
    """Images (B, 3, S, S) in [0, 1] -> maps (B, 64, S / 8, S / 8)."""
    layers: list[nn.Module] = []
    before = 3
    for channels in CHANNELS:
        layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers)


class CameraNet(nn.Module):
    """One camera: an encoder, learned sums over its maps, a layer: (B, 3, S, S) -> (B, ``WIDTH``)."""

    def __init__(self, config: NetworkConfig, weights: str) -> None:
        super().__init__()
        if config.encoder == "small":
            self.encoder = small_encoder()
        else:
            self.encoder = make_encoder(Vision(encoder=config.encoder, weights=weights))
        self.frozen = config.frozen
        if self.frozen:
            self.encoder.requires_grad_(False)
        with torch.inference_mode():
            shape = self.encoder.eval()(torch.zeros(1, 3, config.size, config.size)).shape
        embedding = SpatialEmbedding(shape[1], shape[2], shape[3], config.places)
        self.out = nn.Sequential(embedding, nn.Linear(embedding.width, WIDTH), nn.LayerNorm(WIDTH), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Features. A frozen encoder gets no gradient; what stands behind it does."""
        if not self.frozen:
            return self.out(self.encoder(x))
        with torch.no_grad():
            maps = self.encoder.eval()(x)
        return self.out(maps)


class SuccessNet(nn.Module):
    """A network per camera, and a head on all of them.

    Args:
        cameras: Their names, in the order of the images.
        config: What it is.
        pretrained: Load the encoder's weights; else they come with the rest of a checkpoint.
    """

    def __init__(self, cameras: Sequence[str], config: NetworkConfig, *, pretrained: bool = True) -> None:
        super().__init__()
        weights = config.weights if pretrained else ""
        self.eyes = nn.ModuleList(CameraNet(config, weights) for _ in cameras)
        self.head = nn.Sequential(nn.Linear(WIDTH * len(cameras), WIDTH), nn.LayerNorm(WIDTH), nn.ReLU())
        self.dropout = nn.Dropout(config.dropout)
        self.logit = nn.Linear(WIDTH, 1)

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, S, S, 3) of all cameras, uint8 or within [0, 1] -> features (B, ``WIDTH``)."""
        encoded = [eye(to_network(images[:, c])) for c, eye in enumerate(self.eyes)]
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
