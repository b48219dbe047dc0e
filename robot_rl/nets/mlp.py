"""Multi-layer perceptrons, and an ensemble of them as one batched network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def mlp(inputs: int, hidden: Sequence[int], outputs: int, *, layer_norm: bool = True) -> nn.Sequential:
    """Linear [-> LayerNorm] -> ReLU per hidden layer, then a linear layer: (B, inputs) -> (B, outputs)."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers.append(nn.Linear(inputs, width))
        if layer_norm:
            layers.append(nn.LayerNorm(width))
        layers.append(nn.ReLU())
        inputs = width
    layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def zero_last(network: nn.Sequential) -> nn.Sequential:
    """The same network with its last layer set to zero, so that it returns exactly 0."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return network


class EnsembleLinear(nn.Module):
    """E independent linear layers: (E, B, n) or a shared (B, n) -> (E, B, m)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor, members: Tensor | None = None) -> Tensor:
        """Apply all layers, or only those whose indices ``members`` (M,) holds."""
        weight, bias = self.weight, self.bias
        if members is not None:
            weight, bias = weight[members], bias[members]
        if x.ndim == 2:
            x = x.expand(weight.shape[0], *x.shape)
        return torch.baddbmm(bias, x, weight)


class EnsembleNorm(nn.Module):
    """LayerNorm over the last axis of (E, B, n) with scale and shift of their own per member."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(members, 1, width))
        self.shift = nn.Parameter(torch.zeros(members, 1, width))

    def forward(self, x: Tensor, members: Tensor | None = None) -> Tensor:
        """Normalise, then scale and shift."""
        scale, shift = self.scale, self.shift
        if members is not None:
            scale, shift = scale[members], shift[members]
        return torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:]), scale)
