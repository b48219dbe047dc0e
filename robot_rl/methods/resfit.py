"""ResFiT: a small residual on top of a frozen base policy, learned off-policy from sparse reward.

Ankile et al. 2025, "Residual Off-Policy RL for Finetuning Behavior Cloning Policies": TD3 with REDQ's subset minimum,
n-step targets, LayerNorm critics, half of each batch from demonstrations. The base is asked at every step; its action
is part of the observation, so that targets need no second query.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation, Transition
from robot_rl.core.spec import Feature, Spec
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.critic import CriticEnsemble, Precision, slope, subset
from robot_rl.nets.normaliser import Statistics
from robot_rl.nets.optimise import adam, mix, step
from robot_rl.nets.policy import Weights, single
from robot_rl.nets.residual import BASE_ACTION, ResidualNet, Seeing
from robot_rl.nets.state import load_state, save_state


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of ResFiT."""

    residual_scale: float = 0.2
    """Largest residual per action dimension, as a share of the action's range."""
    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers of actor and critics."""
    members: int = 10
    """Critics."""
    subset: int = 2
    """Critics drawn per update whose minimum is the target."""
    n_step: int = 3
    """Rewards summed per transition."""
    gamma: float = 0.98
    """Discount per control step."""
    polyak: float = 0.01
    """Share of the online networks mixed into their targets per update."""
    lr_actor: float = 1e-4
    """Step size of the residual actor."""
    lr_critic: float = 5e-4
    """Step size of the critics."""
    grad_clip: float = 1.0
    """Largest norm of a gradient."""
    actor_every: int = 2
    """Critic updates per actor update."""
    critic_warmup: int = 1500
    """Critic updates before the actor moves."""
    learning_starts: int = 1500
    """Environment steps before the first update."""
    warmup_noise: float = 0.05
    """Standard deviation of the exploration noise until the actor moves; more, and the base fails too often."""
    noise: float = 0.05
    """Standard deviation of the exploration noise afterwards."""
    noise_memory: float = 0.7
    """Correlation of the exploration noise from one step to the next; slow noise finds what a biased base misses."""
    target_noise: float = 0.05
    """Standard deviation of the noise on the target action, clipped at three deviations."""
    residual_penalty: float = 0.015
    """Value that a residual at its largest must gain, per action dimension; what it costs grows with its square. With 0
    an actor that moves by signs (Adam) goes to the limit even where nothing is to be gained, and leaves a good base."""
    value_max: float = 1.0
    """Targets are clipped to [0, value_max]; 0 leaves them as they are."""
    utd: float = 1.0
    """Critic updates per environment step."""
    batch_size: int = 256
    """Transitions per update."""
    demo_ratio: float = 0.5
    """Share of demonstrations in a batch."""
    seed: int = 0
    """Of weights, targets and exploration."""
    device: str = "cpu"
    """Where to train."""
    precision: Precision = "float32"
    """Of the products inside the critics; bfloat16 takes half the time on a CPU that multiplies it."""


class ResidualPolicy:
    """The policy: ``augment`` asks the base, ``act`` adds the residual."""

    def __init__(self, config: Config, spec: Spec, base: Policy, statistics: Statistics | None = None) -> None:
        self.recipe = Recipe("resfit", config, spec)
        self.base: Policy = base
        self.spec = stored(spec, base)
        self.net = ResidualNet(self.spec.without(BASE_ACTION), config.hidden, config.residual_scale, statistics)
        self.names = [*self.net.normaliser.names, BASE_ACTION]
        self.rng = np.random.default_rng(config.seed)
        self.queue: deque[NDArray] = deque()
        self.noise = np.zeros(spec.action_dim)

    def reset(self) -> None:
        """Forget the base's open chunk and the noise."""
        self.base.reset()
        self.queue.clear()
        self.noise[:] = 0.0

    def augment(self, obs: Observation) -> Observation:
        """Add the base's action for this step, and what the base adds itself. Call it once per step."""
        seen = self.base.augment(obs)
        if not self.queue:
            self.queue.extend(self.base.act(seen))
        action = np.clip(self.queue.popleft(), -1.0, 1.0).astype(np.float32)
        return {**seen, BASE_ACTION: action}

    @torch.inference_mode()
    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        """Base plus residual (plus noise), (1, A)."""
        action = self.net(single(obs, self.names, self.net.moved.device)).cpu().numpy()
        if explore:
            action = np.clip(action + self._noise(), -1.0, 1.0)
        return action.astype(np.float32)

    def _noise(self) -> NDArray:
        config: Config = self.recipe.config
        memory = config.noise_memory
        fresh = self.rng.normal(size=self.noise.shape)
        self.noise = memory * self.noise + np.sqrt(1.0 - memory**2) * fresh
        return (config.noise if float(self.net.moved) else config.warmup_noise) * self.noise

    def weights(self) -> dict[str, NDArray]:
        """Residual network and normaliser; the base never changes and is not sent."""
        return Weights(self.net).get()

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt what ``weights`` returned."""
        Weights(self.net).put(weights)


class ResfitLearner:
    """TD3 on the combined action with a REDQ ensemble."""

    def __init__(self, config: Config, spec: Spec, base: Policy, statistics: Statistics | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.sampling = Sampling(
            batch_size=config.batch_size,
            n_step=config.n_step,
            gamma=config.gamma,
            demo_ratio=config.demo_ratio,
            utd=config.utd,
            learning_starts=config.learning_starts,
        )
        self.policy = ResidualPolicy(config, spec, base, statistics)
        self.spec = self.policy.spec
        self.actor = self.policy.net.to(config.device)
        self.actor_target = copy.deepcopy(self.actor)
        width = self.actor.normaliser.width + spec.action_dim
        self.critic = CriticEnsemble(config.members, width, spec.action_dim, config.hidden).to(config.device)
        self.critic.precision = config.precision
        self.critic_target = copy.deepcopy(self.critic)
        self.optimiser_actor = adam(self.actor.net.parameters(), config.lr_actor)
        self.optimiser_critic = adam(self.critic.parameters(), config.lr_critic)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One critic update, and an actor update every ``actor_every`` of them once warm."""
        config = self.config
        features = self.actor.features(batch.obs)  # (B, n + A)
        q = self.critic(features, batch.action)  # (E, B)
        critic_loss = (q - self.target(batch)).square().mean()
        step(self.optimiser_critic, critic_loss, config.grad_clip)
        mix(self.critic_target, self.critic, config.polyak)
        self.count += 1
        metrics: dict[str, float] = {}
        if self.count > config.critic_warmup and self.count % config.actor_every == 0:
            self.update_actor(batch.obs, features)
        if self.count % 50 == 0:
            metrics = {"critic_loss": float(critic_loss.detach()), "q": float(q.detach().mean())}
            metrics["residual"] = float(self.actor.residual(features).detach().abs().mean())
        return metrics

    @torch.no_grad()
    def target(self, batch: Transition[Tensor]) -> Tensor:
        """n-step reward plus discounted minimum of a random subset of target critics, (B,)."""
        config = self.config
        next_features = self.actor_target.features(batch.next_obs)
        residual = self.actor_target.residual(next_features)
        noise = config.target_noise * torch.randn_like(residual).clamp(-3.0, 3.0)
        next_action = (batch.next_obs[BASE_ACTION] + residual + noise).clamp(-1.0, 1.0)
        chosen = subset(config.members, config.subset, config.device)
        next_q = self.critic_target(next_features, next_action, chosen)
        y = batch.reward + batch.discount * next_q.amin(0)
        return y.clamp(0.0, config.value_max) if config.value_max > 0 else y

    def update_actor(self, obs: Mapping[str, Tensor], features: Tensor) -> None:
        """Ascend the mean of all critics at the combined action, less what the residual costs."""
        residual = self.actor.residual(features)
        action = (obs[BASE_ACTION] + residual).clamp(-1.0, 1.0)
        _, gradient = slope(self.critic, features, action)
        cost = self.config.residual_penalty * (residual / self.config.residual_scale).square().sum(-1)
        loss = (cost - (action * gradient).sum(-1)).mean()
        step(self.optimiser_actor, loss, self.config.grad_clip)
        self.actor.moved.fill_(1.0)
        mix(self.actor_target, self.actor, self.config.polyak * self.config.actor_every)

    def weights(self) -> dict[str, NDArray]:
        """What an actor must load."""
        return self.policy.weights()

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        names = ("actor", "actor_target", "critic", "critic_target", "optimiser_actor", "optimiser_critic")
        return {name: getattr(self, name) for name in names}

    def state_dict(self) -> dict[str, Tensor]:
        """Networks, targets, optimisers, counter, generator."""
        return save_state(self._parts(), self.count)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state_dict``."""
        self.count = load_state(self._parts(), state)


def stored(spec: Spec, base: Policy) -> Spec:
    """What the replay stores: the vectors, the base's action, and what a base that sees makes of the images."""
    kept = spec.without_images()
    added: Mapping[str, Feature] = base.added() if isinstance(base, Seeing) else {}
    for name, feature in added.items():
        kept = kept.with_feature(name, feature)
    return kept.with_feature(BASE_ACTION, Feature((spec.action_dim,)))


def _needs_base(base: Policy | None) -> Policy:
    if base is None:
        raise ConfigError("resfit fine-tunes a base policy: give the checkpoint of one")
    return base


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> ResidualPolicy:
    """A policy without weights yet: it acts exactly as its base."""
    return ResidualPolicy(config, spec, _needs_base(base))


def make(
    config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None
) -> ResfitLearner:
    """A learner on top of ``base``; ``statistics`` are those of the demonstrations."""
    return ResfitLearner(config, spec, _needs_base(base), statistics)
