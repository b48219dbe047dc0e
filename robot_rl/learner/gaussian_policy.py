"""The policy of soft actor-critic methods: a tanh-Gaussian actor over the spec's vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation
from robot_rl.core.spec import Spec
from robot_rl.learner.protocol import Recipe
from robot_rl.nets.actor import TanhGaussian
from robot_rl.nets.normaliser import Normaliser, Statistics
from robot_rl.nets.policy import Weights, single


class GaussianNet(nn.Module):
    """Observation -> tanh-Gaussian action."""

    def __init__(self, spec: Spec, hidden: Sequence[int], statistics: Statistics | None) -> None:
        super().__init__()
        self.normaliser = Normaliser(spec, statistics)
        self.head = TanhGaussian(self.normaliser.width, spec.action_dim, hidden)

    def features(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Normalised vectors, (B, n)."""
        return self.normaliser(obs)


class GaussianPolicy:
    """Acts with the mode, and with a sample when it explores."""

    base: Policy | None = None

    def __init__(self, recipe: Recipe, statistics: Statistics | None) -> None:
        """The recipe's config names ``hidden`` (widths) and ``seed``."""
        self.recipe = recipe
        self.net = GaussianNet(recipe.spec, recipe.config.hidden, statistics)
        self.generator = torch.Generator().manual_seed(recipe.config.seed)

    def reset(self) -> None:
        """Nothing to forget."""

    def augment(self, obs: Observation) -> Observation:
        """Nothing is added."""
        return obs

    @torch.inference_mode()
    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        """One action, (1, A)."""
        normaliser = self.net.normaliser
        features = normaliser(single(obs, normaliser.names, normaliser.mean.device))
        mean, log_std = self.net.head.moments(features)
        if explore:
            mean = mean + log_std.exp() * torch.randn(mean.shape, generator=self.generator).to(mean.device)
        return torch.tanh(mean).cpu().numpy()

    def weights(self) -> dict[str, NDArray]:
        """Actor and normaliser."""
        return Weights(self.net).get()

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt what ``weights`` returned."""
        Weights(self.net).put(weights)
