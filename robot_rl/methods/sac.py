"""SAC: soft actor-critic with two critics and a learned temperature.

Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications"; LayerNorm in both networks.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from robot_rl.core.protocols import Policy
from robot_rl.core.records import Transition
from robot_rl.core.spec import Spec
from robot_rl.learner.gaussian_policy import GaussianLearner, GaussianPolicy, refuse_base
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.critic import CriticEnsemble, Precision, slope
from robot_rl.nets.normaliser import Statistics
from robot_rl.nets.optimise import adam, mix, step
from robot_rl.nets.vision.config import Vision


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of SAC."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    members: int = 2
    """Critics; the target is the minimum of all."""
    gamma: float = 0.99
    """Discount per control step."""
    polyak: float = 0.005
    """Share of the online critics mixed into their targets per update."""
    lr_actor: float = 3e-4
    """Step size of the actor."""
    lr_critic: float = 1e-3
    """Step size of the critics."""
    lr_temperature: float = 1e-3
    """Step size of the logarithm of the temperature."""
    temperature: float = 1.0
    """Weight of the entropy at the start."""
    target_entropy: float = -1.0
    """Wanted entropy per action dimension."""
    actor_every: int = 1
    """Critic updates per actor update."""
    utd: float = 1.0
    """Critic updates per environment step."""
    learning_starts: int = 1000
    """Environment steps before the first update."""
    batch_size: int = 256
    """Transitions per update."""
    seed: int = 0
    """Of weights and samples."""
    device: str = "cpu"
    """Where to train."""
    precision: Precision = "float32"
    """Of the products inside critics and eyes; bfloat16 takes half the time on a CPU that multiplies it."""
    vision: Vision = field(default_factory=Vision)
    """How camera images are seen. The critics' loss trains it; the actor takes what it sees as given."""


class SacLearner(GaussianLearner):
    """Soft policy iteration on batches of transitions."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.sampling = Sampling(
            batch_size=config.batch_size,
            gamma=config.gamma,
            utd=config.utd,
            learning_starts=config.learning_starts,
            shift=config.vision.shift,
        )
        spec = config.vision.seen(spec)
        self.policy = GaussianPolicy(Recipe("sac", config, spec), statistics)
        self.actor = self.policy.net.to(config.device)
        self.spec = self.actor.eyes.stored(spec)
        self.actor.eyes.precision = config.precision
        self.eyes_target = self.actor.eyes.target()
        self.critic = CriticEnsemble(config.members, self.actor.width, spec.action_dim, config.hidden).to(config.device)
        self.critic.precision = config.precision
        self.critic_target = copy.deepcopy(self.critic)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature, device=config.device).log())
        self.optimiser_actor = adam(self.actor.head.parameters(), config.lr_actor)
        self.optimiser_critic = adam([*self.critic.parameters(), *self.actor.eyes.parameters()], config.lr_critic)
        self.optimiser_temperature = adam([self.log_temperature], config.lr_temperature)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One critic update, and every ``actor_every`` of them an actor and a temperature update."""
        features = self.actor.features(batch.obs)  # (B, n)
        q = self.critic(features, batch.action)  # (E, B)
        critic_loss = (q - self.target(batch)).square().mean(1).sum()
        step(self.optimiser_critic, critic_loss)
        mix(self.critic_target, self.critic, self.config.polyak)
        mix(self.eyes_target, self.actor.eyes, self.config.polyak)
        self.count += 1
        if self.count % self.config.actor_every == 0:
            self.update_actor(features.detach())
        if self.count % 50:
            return {}
        values = {"critic_loss": critic_loss, "q": q.mean(), "temperature": self.log_temperature.exp()}
        return {k: float(v.detach()) for k, v in values.items()}

    @torch.no_grad()
    def target(self, batch: Transition[Tensor]) -> Tensor:
        """Reward plus discounted soft value: the minimum over the target critics plus the entropy, (B,)."""
        next_features = self.actor.features(batch.next_obs)
        next_action, log_prob = self.actor.head.sample(next_features)
        if self.eyes_target.names:
            next_features = self.actor.features(batch.next_obs, self.eyes_target)
        next_q = self.critic_target(next_features, next_action).amin(0)
        return batch.reward + batch.discount * (next_q - self.log_temperature.exp() * log_prob)

    def update_actor(self, features: Tensor) -> None:
        """Descend temperature * log_prob - min Q, then move the temperature towards the target entropy."""
        action, log_prob = self.actor.head.sample(features)
        _, gradient = slope(self.critic, features, action, pessimistic=True)
        temperature = self.log_temperature.exp().detach()
        loss = (temperature * log_prob - (action * gradient).sum(-1)).mean()
        step(self.optimiser_actor, loss)
        surplus = log_prob.detach().mean() + self.config.target_entropy * action.shape[-1]
        step(self.optimiser_temperature, -self.log_temperature * surplus)


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> GaussianPolicy:
    """A policy without weights yet."""
    refuse_base("sac", base)
    return GaussianPolicy(Recipe("sac", config, spec), None)


def make(config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None) -> SacLearner:
    """A learner for ``spec``; ``statistics`` scale its observations."""
    refuse_base("sac", base)
    return SacLearner(config, spec, statistics)
