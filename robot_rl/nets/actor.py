"""The tanh-Gaussian actor of soft actor-critic methods."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from robot_rl.nets.mlp import mlp

LOG_STD = (-10.0, 2.0)
"""Range of the logarithm of the standard deviation before tanh."""


class TanhGaussian(nn.Module):
    r"""a = tanh(u), u ~ N(mu(x), sigma(x)^2), per action dimension."""

    def __init__(self, features: int, action_dim: int, hidden: Sequence[int], *, layer_norm: bool = True) -> None:
        super().__init__()
        self.net = mlp(features, hidden, 2 * action_dim, layer_norm=layer_norm)

    def moments(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation before tanh, each (B, A)."""
        mean, log_std = self.net(features).chunk(2, dim=-1)
        return mean, log_std.clamp(*LOG_STD)

    def mode(self, features: Tensor) -> Tensor:
        """tanh of the mean, (B, A)."""
        return torch.tanh(self.moments(features)[0])

    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """A reparameterised action (B, A) and its log density (B,)."""
        mean, log_std = self.moments(features)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        u = mean + log_std.exp() * noise
        return torch.tanh(u), log_prob(u, noise, log_std)


def log_prob(u: Tensor, noise: Tensor, log_std: Tensor) -> Tensor:
    r"""Log density of a = tanh(u) where u = mu + sigma * noise, stable for large \|u\|; all (B, A) -> (B,).

    .. math:: \log \pi = \sum_d \log N(u_d) - 2 (\log 2 - u_d - \mathrm{softplus}(-2 u_d))
    """
    gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)
    volume = 2 * (math.log(2) - u - functional.softplus(-2 * u))
    return (gaussian - volume).sum(-1)
