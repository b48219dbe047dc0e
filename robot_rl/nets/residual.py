"""The network of residual methods: what a frozen base would do, plus a bounded correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from robot_rl.core.spec import Feature, Spec
from robot_rl.nets.mlp import mlp, zero_last
from robot_rl.nets.normaliser import Normaliser, Statistics

BASE_ACTION = "observation.base_action"
"""What the base would do, (A,) in [-1, 1]; stored with every observation."""


@runtime_checkable
class Seeing(Protocol):
    """A base policy that looks at images, and adds what they come to when it augments an observation."""

    def added(self) -> Mapping[str, Feature]:
        """The vectors it adds."""
        ...


class ResidualNet(nn.Module):
    """Observation with the base's action -> combined action; returns exactly the base's until it is trained."""

    moved: Tensor
    """1 once the residual has been trained, (): it travels with the weights and ends the actors' warm-up."""

    def __init__(self, spec: Spec, hidden: Sequence[int], scale: float, statistics: Statistics | None) -> None:
        super().__init__()
        self.scale = scale
        self.normaliser = Normaliser(spec, statistics)
        self.net = zero_last(mlp(self.normaliser.width + spec.action_dim, hidden, spec.action_dim))
        self.register_buffer("moved", torch.zeros(()))

    def features(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Normalised vectors and the base's action, (B, n + A): what actor and critics see."""
        return torch.cat((self.normaliser(obs), obs[BASE_ACTION]), dim=-1)

    def residual(self, features: Tensor) -> Tensor:
        """In [-scale, scale], (B, A)."""
        return self.scale * torch.tanh(self.net(features))

    def forward(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Base plus residual, clipped to [-1, 1], (B, A)."""
        return (obs[BASE_ACTION] + self.residual(self.features(obs))).clamp(-1.0, 1.0)
