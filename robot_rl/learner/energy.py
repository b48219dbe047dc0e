"""What the energy-aware methods share: the cost of a transition, and the PID controller of a Lagrange multiplier."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Transition
from robot_rl.core.spec import ENERGY, Spec

Gains = tuple[float, float, float]
"""Proportional [1/J], integral [1/J per update] and derivative [1/J per J of rise]."""
SMOOTHING = 0.02
"""Share of a new measurement in the cost that the controller looks at."""


class Multiplier(nn.Module):
    r"""A Lagrange multiplier under PID control: :math:`\lambda = [K_P e + K_I \sum e + K_D \dot e^+]_+`, e = J - d."""

    cost: Tensor
    total: Tensor
    rise: Tensor

    def __init__(self, limit: float, gains: Gains, largest: float) -> None:
        """``limit`` d [J]; ``largest`` bounds the multiplier, and its integral, which so cannot wind up."""
        super().__init__()
        self.limit = limit
        self.gains = gains
        self.largest = largest
        self.register_buffer("cost", torch.tensor(math.nan))
        self.register_buffer("total", torch.tensor(0.0))
        self.register_buffer("rise", torch.tensor(0.0))

    @torch.no_grad()
    def update(self, cost: Tensor) -> None:
        """Take in a measurement () of the cost J [J]."""
        before = cost if torch.isnan(self.cost) else self.cost
        now = before + SMOOTHING * (cost - before)
        self.rise.copy_((now - before).clamp(min=0.0))
        self.cost.copy_(now)
        self.total.copy_((self.total + self.gains[1] * (now - self.limit)).clamp(0.0, self.largest))

    def value(self) -> float:
        """The multiplier [1/J], 0 or more; 0 before the first measurement."""
        if torch.isnan(self.cost) or math.isinf(self.limit):
            return 0.0
        excess = float(self.cost) - self.limit
        value = self.gains[0] * excess + float(self.total) + self.gains[2] * float(self.rise)
        return min(max(value, 0.0), self.largest)


def drain(batch: Transition[Tensor]) -> Tensor:
    """Net energy that a transition takes out of the tank, (B,) [J]: never negative, a gain costs nothing."""
    return (batch.obs[ENERGY][:, 0] - batch.next_obs[ENERGY][:, 0]).clamp(min=0.0)


def check_energy(spec: Spec, method: str) -> None:
    """``ConfigError`` when a task does not observe the ledger."""
    if ENERGY not in spec.observation:
        raise ConfigError(f"{method} needs a task that observes its energy: use maze, or a method without a budget")
