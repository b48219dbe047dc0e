"""State-action values: an ensemble of independent networks, trunk and head, as one batched network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from robot_rl.nets.mlp import EnsembleLinear, EnsembleNorm


class CriticEnsemble(nn.Module):
    """E values Q(features, action); LayerNorm before every ReLU bounds them away from the data (Ball et al. 2023)."""

    def __init__(
        self, members: int, features: int, action_dim: int, hidden: Sequence[int], *, layer_norm: bool = True
    ) -> None:
        super().__init__()
        self.members = members
        widths = [features + action_dim, *hidden]
        self.layers = nn.ModuleList(EnsembleLinear(members, a, b) for a, b in itertools.pairwise(widths))
        self.norms = nn.ModuleList(EnsembleNorm(members, b) for b in hidden) if layer_norm else None
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
        for i, layer in enumerate(self.layers):
            x = layer(x, members)
            if self.norms is not None:
                x = self.norms[i](x, members)
            x = torch.relu(x)
        return self.head(x, members).squeeze(-1)


def subset(members: int, count: int, generator: torch.Generator | None = None) -> Tensor | None:
    """``count`` distinct random members of an ensemble, (count,); None when that is all of them (REDQ, Chen 2021)."""
    if count >= members:
        return None
    return torch.randperm(members, generator=generator)[:count]
