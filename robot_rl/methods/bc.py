"""Behaviour cloning of action chunks: regress the next H actions, execute some of them, plan again.

Zhao et al. 2023, "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware" (chunks, L1 loss), with an MLP.
From images, the eyes may be taught by what only the recordings know, such as poses: then the policy acts on what they
estimate it to be, which is also what a method on top of this policy can learn from without looking again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation, Transition
from robot_rl.core.spec import Feature, Spec
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.critic import Precision
from robot_rl.nets.mlp import mlp
from robot_rl.nets.normaliser import Normaliser, Statistics
from robot_rl.nets.optimise import adam, step
from robot_rl.nets.policy import Weights, single
from robot_rl.nets.state import load_state, save_state
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.eyes import FEATURES, Eyes


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
    precision: Precision = "float32"
    """Of the eyes' convolutions while training; bfloat16 takes half the time on a CPU that multiplies it."""
    vision: Vision = field(default_factory=Vision)
    """How camera images are seen."""
    privileged: tuple[str, ...] = ()
    """Vectors of the recordings that the policy is not given: it estimates them from images and the other vectors."""
    estimates: int = 0
    """Numbers in ``privileged``; ``make`` fills this in."""


class ChunkNet(nn.Module):
    """Observation -> features of its images -> chunk of actions."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        super().__init__()
        self.shape = (config.pred_horizon, spec.action_dim)
        self.normaliser = Normaliser(spec, statistics)
        self.eyes = Eyes(spec, config.vision)
        self.names = [*self.normaliser.names, *self.eyes.names]
        self.width = config.estimates or self.eyes.width
        """Numbers that images come to."""
        if config.estimates:
            self.estimator = mlp(self.normaliser.width + self.eyes.width, config.hidden[:1], config.estimates)
        self.net = mlp(self.normaliser.width + self.width, config.hidden, config.pred_horizon * spec.action_dim)

    def look(self, obs: Mapping[str, Tensor]) -> Tensor:
        """What is estimated of the privileged vectors, normalised, or else what the eyes see, (B, width)."""
        if not self.eyes.names:
            return self.normaliser.mean.new_zeros(len(obs[self.names[0]]), 0)
        features = self.eyes(obs)
        return self.estimator(torch.cat((self.normaliser(obs), features), -1)) if self.estimates else features

    @property
    def estimates(self) -> bool:
        """Whether what images come to is an estimate of privileged vectors."""
        return hasattr(self, "estimator")

    def forward(self, obs: Mapping[str, Tensor], seen: Tensor, noise: float = 0.0) -> Tensor:
        """Vectors (B, n) and what ``look`` returned -> chunks (B, H, A) in [-1, 1]."""
        features = torch.cat((self.normaliser(obs), seen), dim=-1)
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

    @torch.inference_mode()
    def augment(self, obs: Observation) -> Observation:
        """What the images come to is added: they are looked at once."""
        if not self.net.eyes.names:
            return obs
        obs = self.net.eyes.augment(obs)
        seen = self.net.look(single(obs, self.net.names, self.net.normaliser.mean.device))
        return {**obs, FEATURES: seen[0].cpu().numpy()}

    @torch.inference_mode()
    def act(self, obs: Observation, *, explore: bool = False) -> Action:  # noqa: ARG002
        """The next chunk (exec_horizon, A)."""
        device = self.net.normaliser.mean.device
        given = single(obs, [*self.net.normaliser.names, *([FEATURES] if self.net.eyes.names else [])], device)
        chunk = self.net(given, given[FEATURES] if self.net.eyes.names else torch.zeros(1, 0, device=device))
        return chunk[0, : self.rows].cpu().numpy()

    def added(self) -> Mapping[str, Feature]:
        """What a policy on top of this one stores instead of images."""
        return {FEATURES: Feature((self.net.width,))} if self.net.eyes.names else {}

    def weights(self) -> dict[str, NDArray]:
        """Parameters and normaliser, but no frozen encoder."""
        return Weights(self.net).get()

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt what ``weights`` returned."""
        Weights(self.net).put(weights)


class BCLearner:
    """Minimises the masked L1 distance between predicted and demonstrated chunks, and that of the estimates."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.sampling = Sampling(
            batch_size=config.batch_size, chunk=config.pred_horizon, demo_ratio=1.0, shift=config.vision.shift
        )
        given = config.vision.seen(spec)
        self.truth = Normaliser(spec, statistics, config.privileged) if config.privileged else None
        if self.truth is not None:
            config = replace(config, estimates=self.truth.width)
        for name in config.privileged:
            given = given.without(name)
        self.policy = BehaviourCloning(config, given, statistics)
        self.net = self.policy.net.to(config.device)
        self.net.eyes.precision = config.precision
        self.spec = self.net.eyes.stored(given)
        for name in config.privileged:
            self.spec = self.spec.with_feature(name, spec.observation[name])
        self.optimiser = adam(self.net.parameters(), config.lr, config.weight_decay)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One step on a batch of chunks: action (B, H, A), discount = mask (B, H)."""
        progress = min(1.0, self.count / self.config.updates)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.lr * 0.5 * (1.0 + np.cos(np.pi * progress))
        seen = self.net.look(batch.obs)
        metrics = {}
        taught = seen.new_zeros(())
        if self.truth is not None:
            taught = (seen - self.truth(batch.obs)).abs().mean()
            seen = seen.detach()
            metrics["estimate"] = taught
        error = (self.net(batch.obs, seen, self.config.input_noise) - batch.action).abs().mean(-1)  # (B, H)
        loss = (error * batch.discount).sum() / batch.discount.sum().clamp(min=1.0)
        step(self.optimiser, loss + taught)
        self.count += 1
        return {"loss": float(loss.detach()), **{k: float(v.detach()) for k, v in metrics.items()}}

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
    for name in config.privileged:
        check_name("privileged vector", name, spec.vectors)
    if config.privileged and not config.vision.used:
        raise ConfigError("privileged vectors are estimated from images: choose an encoder, or leave them out")
    return BCLearner(config, spec, statistics)
