"""What methods with a tanh-Gaussian actor share: the policy, over vectors and images, and how a learner is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation
from robot_rl.core.spec import Spec
from robot_rl.learner.protocol import Recipe
from robot_rl.nets.actor import TanhGaussian
from robot_rl.nets.gripper import GripperHead
from robot_rl.nets.normaliser import Normaliser, Statistics
from robot_rl.nets.policy import Weights, single
from robot_rl.nets.state import Parts, load_state, save_state
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.eyes import Eyes


class GaussianNet(nn.Module):
    """Observation -> tanh-Gaussian action, and with ``levels`` a chosen command as its last dimension."""

    def __init__(
        self,
        spec: Spec,
        hidden: Sequence[int],
        statistics: Statistics | None,
        vision: Vision | None = None,
        levels: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.normaliser = Normaliser(spec, statistics)
        self.eyes = Eyes(spec, vision or Vision())
        self.names = [*self.normaliser.names, *self.eyes.names]
        self.width = self.normaliser.width + self.eyes.width
        self.gripper = GripperHead(self.width, levels, hidden) if levels else None
        self.free = spec.action_dim - bool(levels)
        """Dimensions of the action that are Gaussian."""
        self.head = TanhGaussian(self.width, self.free, hidden)

    def features(self, obs: Mapping[str, Tensor], eyes: Eyes | None = None) -> Tensor:
        """Normalised vectors and what the eyes see, or other eyes such as those of a target, (B, n)."""
        vectors = self.normaliser(obs)
        if not self.eyes.names:
            return vectors
        return torch.cat((vectors, (self.eyes if eyes is None else eyes)(obs)), dim=-1)


class GaussianPolicy:
    """Acts with the mode, and with a sample when it explores."""

    base: Policy | None = None

    def __init__(self, recipe: Recipe, statistics: Statistics | None) -> None:
        """The recipe's config names ``hidden`` (widths) and ``seed``, may name ``vision`` and ``gripper_levels``."""
        self.recipe = recipe
        vision, levels = getattr(recipe.config, "vision", None), getattr(recipe.config, "gripper_levels", ())
        self.net = GaussianNet(recipe.spec, recipe.config.hidden, statistics, vision, levels)
        self.generator = torch.Generator().manual_seed(recipe.config.seed)

    def reset(self) -> None:
        """Nothing to forget."""

    def augment(self, obs: Observation) -> Observation:
        """What a frozen encoder sees is added."""
        return self.net.eyes.augment(obs)

    @torch.inference_mode()
    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        """One action, (1, A)."""
        features = self.net.features(single(obs, self.net.names, self.net.normaliser.mean.device))
        mean, log_std = self.net.head.moments(features)
        if explore:
            mean = mean + log_std.exp() * torch.randn(mean.shape, generator=self.generator).to(mean.device)
        action = torch.tanh(mean)
        if self.net.gripper is not None:
            action = torch.cat((action, self.net.gripper.choose(features)), dim=-1)
        return action.cpu().numpy()

    def weights(self) -> dict[str, NDArray]:
        """Actor, normaliser, and eyes unless they are frozen."""
        return Weights(self.net).get()

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt what ``weights`` returned."""
        Weights(self.net).put(weights)


class GaussianLearner:
    """The tail of a learner: its state is every network, optimiser and parameter among its attributes."""

    policy: GaussianPolicy
    count: int
    """Updates so far."""

    def weights(self) -> dict[str, NDArray]:
        """What an actor must load."""
        return self.policy.weights()

    def _parts(self) -> Parts:
        parts: dict[str, nn.Module | torch.optim.Optimizer] = {}
        for name, part in vars(self).items():
            if isinstance(part, nn.Parameter):
                parts[name] = nn.ParameterList([part])
            elif isinstance(part, nn.Module | torch.optim.Optimizer):
                parts[name] = part
        return parts

    def state_dict(self) -> dict[str, Tensor]:
        """Networks, targets, parameters, optimisers, counter, generator."""
        return save_state(self._parts(), self.count)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state_dict``."""
        self.count = load_state(self._parts(), state)


def refuse_base(method: str, base: Policy | None) -> None:
    """``ConfigError`` when a method that learns a policy of its own is given one to start from."""
    if base is not None:
        raise ConfigError(f"{method} learns a policy of its own: leave the base policy out, or use resfit")
