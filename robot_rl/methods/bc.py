"""Behaviour cloning of action chunks: regress the next H actions, execute some of them, plan again.

Zhao et al. 2023, "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware" (chunks, L1 loss), with an MLP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation, Transition
from robot_rl.core.spec import Spec
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.mlp import mlp
from robot_rl.nets.normaliser import Normaliser, Statistics
from robot_rl.nets.optimise import adam, step
from robot_rl.nets.policy import Weights, single
from robot_rl.nets.state import load_state, save_state


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of behaviour cloning."""

    pred_horizon: int = 8
    """Actions predicted per observation."""
    exec_horizon: int = 4
    """Actions executed before the next prediction."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    lr: float = 1e-3
    """Step size at the start; it falls to zero over ``updates`` (cosine)."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    input_noise: float = 0.01
    """Standard deviation of the noise on normalised observations while training."""
    batch_size: int = 256
    """Chunks per update."""
    updates: int = 4000
    """Updates of a whole training run."""
    seed: int = 0
    """Of the initial weights."""
    device: str = "cpu"
    """Where to train."""


class ChunkNet(nn.Module):
    """Observation -> chunk of actions."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        super().__init__()
        self.shape = (config.pred_horizon, spec.action_dim)
        self.normaliser = Normaliser(spec, statistics)
        self.net = mlp(self.normaliser.width, config.hidden, config.pred_horizon * spec.action_dim)

    def forward(self, obs: Mapping[str, Tensor], noise: float = 0.0) -> Tensor:
        """(B, n) vectors -> chunks (B, H, A) in [-1, 1]."""
        features = self.normaliser(obs)
        if noise > 0:
            features = features + noise * torch.randn_like(features)
        return torch.tanh(self.net(features)).unflatten(-1, self.shape)


class BehaviourCloning:
    """The policy: the first ``exec_horizon`` rows of the predicted chunk."""

    base: Policy | None = None

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None = None) -> None:
        self.recipe = Recipe("bc", config, spec)
        self.net = ChunkNet(config, spec, statistics)
        self.rows = config.exec_horizon

    def reset(self) -> None:
        """Nothing to forget: the caller holds the open chunk."""

    def augment(self, obs: Observation) -> Observation:
        """Nothing is added."""
        return obs

    @torch.inference_mode()
    def act(self, obs: Observation, *, explore: bool = False) -> Action:  # noqa: ARG002
        """The next chunk (exec_horizon, A)."""
        chunk = self.net(single(obs, self.net.normaliser.names, self.net.normaliser.mean.device))
        return chunk[0, : self.rows].cpu().numpy()

    def weights(self) -> dict[str, NDArray]:
        """Parameters and normaliser."""
        return Weights(self.net).get()

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt what ``weights`` returned."""
        Weights(self.net).put(weights)


class BCLearner:
    """Minimises the masked L1 distance between predicted and demonstrated chunks."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.spec = spec.without_images()
        self.sampling = Sampling(batch_size=config.batch_size, chunk=config.pred_horizon, demo_ratio=1.0)
        self.policy = BehaviourCloning(config, spec, statistics)
        self.net = self.policy.net.to(config.device)
        self.optimiser = adam(self.net.parameters(), config.lr, config.weight_decay)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One step on a batch of chunks: action (B, H, A), discount = mask (B, H)."""
        progress = min(1.0, self.count / self.config.updates)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.lr * 0.5 * (1.0 + np.cos(np.pi * progress))
        error = (self.net(batch.obs, self.config.input_noise) - batch.action).abs().mean(-1)  # (B, H)
        loss = (error * batch.discount).sum() / batch.discount.sum().clamp(min=1.0)
        step(self.optimiser, loss)
        self.count += 1
        return {"loss": float(loss.detach())}

    def weights(self) -> dict[str, NDArray]:
        """What an actor must load."""
        return self.policy.weights()

    def state_dict(self) -> dict[str, Tensor]:
        """Network, optimiser, counter, generator."""
        return save_state({"net": self.net, "optimiser": self.optimiser}, self.count)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state_dict``."""
        self.count = load_state({"net": self.net, "optimiser": self.optimiser}, state)


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> BehaviourCloning:
    """A policy without weights yet."""
    if base is not None:
        raise ConfigError("bc learns from demonstrations only: leave the base policy out")
    return BehaviourCloning(config, spec)


def make(config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None) -> BCLearner:
    """A learner for ``spec``; ``statistics`` are those of the demonstrations."""
    if base is not None:
        raise ConfigError("bc learns from demonstrations only: leave the base policy out")
    if not 1 <= config.exec_horizon <= config.pred_horizon:
        raise ConfigError(f"exec_horizon is {config.exec_horizon}: choose from 1 to pred_horizon")
    return BCLearner(config, spec, statistics)
