"""State-action values: an ensemble of independent networks, trunk and head, as one batched network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from robot_rl.nets import fused
from robot_rl.nets.mlp import EnsembleBlock, EnsembleLinear, chosen

Precision = Literal["float32", "bfloat16"]


class CriticEnsemble(nn.Module):
    """E values Q(features, action); LayerNorm before every ReLU bounds them away from the data (Ball et al. 2023)."""

    precision: Precision = "float32"
    """Of the products between hidden layers. bfloat16 takes half the time on a CPU that multiplies it."""

    def __init__(self, members: int, features: int, action_dim: int, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = [features + action_dim, *hidden]
        self.blocks = nn.ModuleList(EnsembleBlock(members, a, b) for a, b in itertools.pairwise(widths))
        self.head = EnsembleLinear(members, widths[-1], 1)

    def forward(self, features: Tensor, action: Tensor, members: Tensor | None = None) -> Tensor:
        """Values of all members, or of those whose indices ``members`` (M,) holds.

        Args:
            features: Normalised observations, (B, n).
            action: In [-1, 1], (B, A).
            members: Indices into the ensemble, or None for all.

        Returns:
            Values, (E, B) or (M, B).
        """
        x = torch.cat((features, action), dim=-1)
        if self.blocks and x.device.type == "cpu" and x.dtype == torch.float32:
            parameters = [p for block in self.blocks for p in block.parameters_of(members)]  # type: ignore[operator]
            parameters += chosen(members, self.head.weight, self.head.bias)
            return fused.values(x, parameters, half=self.precision == "bfloat16")
        for block in self.blocks:
            x = block(x, members)
        return self.head(x, members).squeeze(-1)


def subset(members: int, count: int, device: str = "cpu") -> Tensor | None:
    """``count`` distinct random members of an ensemble, (count,); None when that is all of them (REDQ, Chen 2021).

    They are drawn where the ensemble is, so that a GPU does not wait for them.
    """
    if count >= members:
        return None
    return torch.randperm(members, device=device)[:count]


def slope(
    critic: CriticEnsemble, features: Tensor, action: Tensor, *, pessimistic: bool = False
) -> tuple[Tensor, Tensor]:
    """Value (B,) and its gradient with respect to the action (B, A): the mean over members, or their minimum.

    The critic's own parameters are left out of the graph, which saves a third of the work.
    """
    probe = action.detach().requires_grad_()
    critic.requires_grad_(False)
    values = critic(features.detach(), probe)
    critic.requires_grad_(True)
    value = values.amin(0) if pessimistic else values.mean(0)
    return value.detach(), torch.autograd.grad(value.sum(), probe)[0]
