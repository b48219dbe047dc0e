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
        weight, bias = chosen(members, self.weight, self.bias)
        return torch.baddbmm(bias, shared(x, weight), weight)


class EnsembleBlock(nn.Module):
    """E independent blocks Linear -> LayerNorm -> ReLU: (E, B, n) or a shared (B, n) -> (E, B, m)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))
        self.scale = nn.Parameter(torch.ones(members, 1, outputs))
        self.shift = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor, members: Tensor | None = None) -> Tensor:
        """Apply all blocks, or only those whose indices ``members`` (M,) holds."""
        weight, bias, scale, shift = self.parameters_of(members)
        x = torch.baddbmm(bias, shared(x, weight), weight)
        return torch.relu(torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:]), scale))

    def parameters_of(self, members: Tensor | None = None) -> tuple[Tensor, ...]:
        """Weight, bias, scale and shift, of all blocks or of those whose indices ``members`` (M,) holds."""
        return chosen(members, self.weight, self.bias, self.scale, self.shift)


def chosen(members: Tensor | None, *parameters: Tensor) -> tuple[Tensor, ...]:
    """The rows ``members`` of each parameter, or all of them."""
    return parameters if members is None else tuple(p[members] for p in parameters)


def shared(x: Tensor, weight: Tensor) -> Tensor:
    """``x`` (B, n) seen by every member, (E, B, n), without a copy; (E, B, n) stays as it is."""
    return x.expand(weight.shape[0], *x.shape) if x.ndim == 2 else x
