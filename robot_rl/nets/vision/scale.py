"""The scale of images in networks."""

from __future__ import annotations

from typing import Final

from torch import Tensor

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
"""Of red, green and blue in [0, 1], over ImageNet: what pretrained networks were shown."""
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)


def to_network(images: Tensor) -> Tensor:
    """uint8 images (B, H, W, 3) -> float32 (B, 3, H, W) in [0, 1], without moving the channels in memory."""
    return images.permute(0, 3, 1, 2).float().div_(255.0)
