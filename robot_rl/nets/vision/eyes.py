"""From camera images to features: an encoder per camera, trained or frozen, and what is learned on top of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from robot_rl.core.records import Observation
from robot_rl.core.spec import IMAGES, Feature, Spec
from robot_rl.nets.critic import Precision
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.conv import SmallConv
from robot_rl.nets.vision.embedding import SpatialEmbedding
from robot_rl.nets.vision.resnet import ResNet
from robot_rl.nets.vision.scale import to_network
from robot_rl.nets.vision.vit import Vit
from robot_rl.nets.vision.weights import put, read, vit_shape

FEATURES = "observation.features"
"""What a policy's images come to, (n,) float32: stored by a method on top of it, instead of the images."""
MAPS = "observation.maps."
"""Prefix of what a frozen encoder made of a camera's image, (C, H, W) float16: stored instead of the image."""


def make_encoder(vision: Vision) -> nn.Module:
    """The encoder, with its weights: images (B, 3, H, W) in [0, 1] -> maps (B, C, h, w)."""
    tensors = read(vision.weights) if vision.weights else None
    if vision.encoder == "vit":
        assert tensors is not None
        encoder: nn.Module = Vit(vit_shape(tensors, vision.weights))
    else:
        encoder = SmallConv() if vision.encoder == "conv" else ResNet(vision.encoder)
    if tensors is not None:
        put(encoder, tensors, vision.weights)
    return encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class Eyes(nn.Module):
    """The cameras of ``spec`` -> features (B, width); with ``vision`` unused, none.

    A frozen encoder is no part of the module: its weights are neither trained, nor copied for a target, nor sent.
    """

    precision: Precision = "float32"
    """Of the convolutions of encoders that learn. bfloat16 takes half the time on a CPU that multiplies it."""

    def __init__(self, spec: Spec, vision: Vision) -> None:
        super().__init__()
        self.vision = vision
        self.cameras = spec.cameras if vision.used else []
        self.names = [(MAPS if vision.frozen else IMAGES) + camera for camera in self.cameras]
        """Features of an observation that ``forward`` needs."""
        self.width = vision.width * len(self.cameras)
        count = min(1, len(self.cameras)) if vision.shared else len(self.cameras)
        encoders = nn.ModuleList(make_encoder(vision) for _ in range(count))
        shapes = [_shape(encoders[i if count > 1 else 0], spec, c) for i, c in enumerate(self.cameras)]
        self.shapes = dict(zip(self.cameras, shapes, strict=True))
        """Of the maps of each camera, (C, H, W)."""
        self.heads = nn.ModuleList(_head(shape, vision) for shape in shapes)
        self.frozen: tuple[nn.ModuleList, ...] = (encoders.eval().requires_grad_(False),) if vision.frozen else ()
        if not vision.frozen:
            self.encoders = encoders

    def stored(self, spec: Spec) -> Spec:
        """What a replay stores of ``spec``: the images, or what the frozen encoder makes of them, or neither."""
        if self.cameras and not self.vision.frozen:
            return spec
        spec = spec.without_images()
        for camera, shape in self.shapes.items():
            spec = spec.with_feature(MAPS + camera, Feature(shape, "float16"))
        return spec

    @torch.inference_mode()
    def augment(self, obs: Observation) -> Observation:
        """Add what a frozen encoder sees, so that it is computed once."""
        if not self.vision.frozen:
            return obs
        maps = {MAPS + c: self.maps(i, torch.tensor(obs[IMAGES + c])[None]) for i, c in enumerate(self.cameras)}
        return {**obs, **{name: value[0].half().cpu().numpy() for name, value in maps.items()}}

    def target(self) -> Eyes:
        """A copy that a target network sees with; a frozen encoder is shared."""
        return copy.deepcopy(self, {id(self.frozen): self.frozen}).requires_grad_(False)

    def forward(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Features in [-1, 1], (B, width)."""
        parts = []
        for i, name in enumerate(self.names):
            maps = obs[name].float() if self.vision.frozen else self.maps(i, obs[name])
            parts.append(self.heads[i](maps))
        return torch.cat(parts, dim=-1)

    def maps(self, camera: int, images: Tensor) -> Tensor:
        """What the encoder makes of images (B, H, W, 3) of the camera with that index, (B, C, h, w)."""
        encoders = self.frozen[0] if self.vision.frozen else self.encoders
        encoder = encoders[camera if len(encoders) > 1 else 0]
        if self.precision == "float32" or self.vision.frozen:
            return encoder(to_network(images))
        with torch.autocast(images.device.type, torch.bfloat16):
            return encoder(to_network(images))


def _shape(encoder: nn.Module, spec: Spec, camera: str) -> tuple[int, int, int]:
    """Of the maps that ``encoder`` makes of a camera's images."""
    with torch.inference_mode():
        blank = torch.from_numpy(np.zeros((1, *spec.observation[IMAGES + camera].shape), np.uint8))
        return tuple(encoder(to_network(blank)).shape[1:])


def _head(shape: tuple[int, int, int], vision: Vision) -> nn.Module:
    embedding = SpatialEmbedding(*shape, vision.places)
    return nn.Sequential(embedding, nn.Linear(embedding.width, vision.width), nn.LayerNorm(vision.width), nn.Tanh())
