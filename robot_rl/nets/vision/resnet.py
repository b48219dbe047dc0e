"""ResNet-10 and ResNet-18 (He et al. 2016), with the names that torchvision and timm give their weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from robot_rl.nets.vision.scale import IMAGENET_DEVIATION, IMAGENET_MEAN

BLOCKS = {"resnet10": 1, "resnet18": 2}
"""Blocks per stage."""
WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages."""


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        beside = x if self.downsample is None else self.downsample(x)
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + beside)


class ResNet(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> maps (B, 512, H / 32, W / 32).

    Its batch norms keep the statistics they were loaded with: batches in which each image comes with its successor,
    half of them demonstrations, would spoil them.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        inputs = WIDTHS[0]
        for i, width in enumerate(WIDTHS):
            first = BasicBlock(inputs, width, 1 if i == 0 else 2)
            rest = [BasicBlock(width, width, 1) for _ in range(BLOCKS[kind] - 1)]
            setattr(self, f"layer{i + 1}", nn.Sequential(first, *rest))
            inputs = width
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None], persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> ResNet:  # noqa: ARG002
        """Batch norms stay as they are in use."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the last stage."""
        x = (x - self.mean) / self.deviation
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        for i in range(len(WIDTHS)):
            x = getattr(self, f"layer{i + 1}")(x)
        return x
