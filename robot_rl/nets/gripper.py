"""A gripper that chooses between a few commands: a Q-network of its own beside the arm's actor (HIL-SERL, Luo 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.nets.mlp import mlp


class GripperHead(nn.Module):
    """Features -> value of every command; the last action dimension is the command with the largest."""

    levels: Tensor

    def __init__(self, features: int, levels: Sequence[float], hidden: Sequence[int]) -> None:
        super().__init__()
        if len(set(levels)) < 2 or any(abs(level) > 1 for level in levels):
            raise ConfigError(f"gripper_levels are {tuple(levels)}: give two or more different numbers in [-1, 1]")
        self.register_buffer("levels", torch.tensor(levels, dtype=torch.float32))
        self.net = mlp(features, hidden, len(levels))

    def forward(self, features: Tensor) -> Tensor:
        """Values of all commands, (B, K)."""
        return self.net(features)

    def choose(self, features: Tensor) -> Tensor:
        """The best command, (B, 1) in [-1, 1]."""
        return self.levels[self(features).argmax(-1, keepdim=True)]

    def index(self, command: Tensor) -> Tensor:
        """Which level a command (B,) is nearest to, (B, 1)."""
        return (command[:, None] - self.levels).abs().argmin(-1, keepdim=True)

    def loss(self, features: Tensor, command: Tensor, y: Tensor) -> Tensor:
        """Mean squared distance of the taken commands' values from ``y`` (B,)."""
        return (self(features).gather(1, self.index(command)).squeeze(1) - y).square().mean()

    @torch.no_grad()
    def next_value(self, target: GripperHead, next_features: Tensor) -> Tensor:
        """What the target thinks of the command that this network prefers, (B,) (double DQN, van Hasselt 2016)."""
        preferred = self(next_features).argmax(-1, keepdim=True)
        return target(next_features).gather(1, preferred).squeeze(1)
