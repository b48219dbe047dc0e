"""PPO-Lagrangian: clipped policy gradient under a bound on the energy that is drained from the passivity tank.

Schulman et al. 2017, "Proximal Policy Optimization Algorithms"; Ray et al. 2019, "Benchmarking Safe Exploration in Deep
RL" (the Lagrangian); Stooke et al. 2020 (the multiplier). Batches come from a replay, so advantages are n-step ones
instead of GAE, and what the policy was when it acted is stored beside the observation. Keep the replay small, a few
dozen episodes (the learner's ``--capacity``): the clipped ratio stops the gradient of data that are too old.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from robot_rl.core.protocols import Policy
from robot_rl.core.records import Action, Observation, Transition
from robot_rl.core.spec import Feature, Spec
from robot_rl.learner.energy import Gains, Meter, Multiplier, check_energy, drain, metered
from robot_rl.learner.gaussian_policy import GaussianLearner, GaussianPolicy, refuse_base
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.actor import log_prob
from robot_rl.nets.mlp import mlp
from robot_rl.nets.normaliser import Statistics
from robot_rl.nets.optimise import adam, step
from robot_rl.nets.policy import single

BEHAVIOUR = "observation.behaviour"
"""Mean and log standard deviation, before tanh, of the policy that acted, (2 A,)."""
EDGE = 0.999
"""Actions are taken back through tanh from within this."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of PPO-Lagrangian."""

    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers of actor and values."""
    gamma: float = 0.97
    """Discount per control step."""
    n_step: int = 8
    """Steps whose rewards make an advantage, before the value takes over."""
    clip: float = 0.2
    """How far the ratio of new to old probability is followed."""
    entropy: float = 1e-3
    """Weight of the entropy."""
    limit: float = 0.5
    """Bound d on the energy [J] that is yet to be drained, discounted, in the mean over the states met. Infinite: the
    method knows nothing of energy."""
    gains: Gains = (0.05, 0.0005, 0.0)
    """Of the PID controller that sets the price of energy by the excess over ``limit``."""
    price_max: float = 1.0
    """Largest price of energy [1/J], for rewards of 0 and 1."""
    lr_actor: float = 3e-4
    """Step size of the actor."""
    lr_value: float = 1e-3
    """Step size of the values."""
    grad_clip: float = 0.5
    """Largest norm of a gradient."""
    utd: float = 0.25
    """Updates per environment step."""
    learning_starts: int = 1000
    """Environment steps before the first update."""
    batch_size: int = 256
    """Transitions per update."""
    seed: int = 0
    """Of weights and samples."""
    device: str = "cpu"
    """Where to train."""


class RememberingPolicy(GaussianPolicy):
    """A Gaussian policy that stores beside every observation its moments, which it acts on, and what was drained."""

    def __init__(self, recipe: Recipe, statistics: Statistics | None) -> None:
        super().__init__(recipe, statistics)
        self.meter = Meter()

    def reset(self) -> None:
        """A new episode."""
        self.meter.reset()

    @torch.inference_mode()
    def augment(self, obs: Observation) -> Observation:
        """Add ``BEHAVIOUR`` and ``DRAINED``."""
        normaliser = self.net.normaliser
        features = normaliser(single(obs, normaliser.names, normaliser.mean.device))
        moments = torch.cat(self.net.head.moments(features), dim=-1)[0]
        return {**self.meter.augment(obs), BEHAVIOUR: moments.cpu().numpy()}

    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        """One action, (1, A), for an observation that ``augment`` returned."""
        mean, log_std = np.split(np.asarray(obs[BEHAVIOUR], np.float32)[None], 2, axis=-1)
        if explore:
            mean = mean + np.exp(log_std) * torch.randn(mean.shape, generator=self.generator).numpy()
        return np.tanh(mean)


def log_density(moments: tuple[Tensor, Tensor], action: Tensor) -> Tensor:
    """Log density (B,) of actions (B, A) in [-1, 1] under the tanh-Gaussian of ``moments``, each (B, A)."""
    u = torch.atanh(action.clamp(-EDGE, EDGE))
    return log_prob(u, (u - moments[0]) / moments[1].exp(), moments[1])


def standard(advantage: Tensor) -> Tensor:
    """Zero mean and unit deviation, (B,)."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-6)


class PpoLagrangianLearner(GaussianLearner):
    """Clipped policy gradient on advantages of reward minus price times advantages of cost."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        check_energy(spec, "ppo_lagrangian")
        torch.manual_seed(config.seed)
        self.config = config
        self.spec = metered(spec).with_feature(BEHAVIOUR, Feature((2 * spec.action_dim,)))
        self.sampling = Sampling(
            batch_size=config.batch_size,
            n_step=config.n_step,
            gamma=config.gamma,
            utd=config.utd,
            learning_starts=config.learning_starts,
        )
        self.policy = RememberingPolicy(Recipe("ppo_lagrangian", config, spec), statistics)
        self.actor = self.policy.net.to(config.device)
        width = self.actor.normaliser.width
        self.value = mlp(width, config.hidden, 1).to(config.device)
        self.cost_value = mlp(width, config.hidden, 1).to(config.device)
        self.multiplier = Multiplier(config.limit, config.gains, config.price_max).to(config.device)
        self.optimiser_actor = adam(self.actor.head.parameters(), config.lr_actor)
        self.optimiser_value = adam([*self.value.parameters(), *self.cost_value.parameters()], config.lr_value)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One step of values, price and actor."""
        features = self.actor.features(batch.obs)  # (B, n)
        advantage = self.update_values(batch, features)
        moments = self.actor.head.moments(features)
        old = log_density(batch.obs[BEHAVIOUR].chunk(2, dim=-1), batch.action)
        ratio = (log_density(moments, batch.action) - old).clamp(-5.0, 5.0).exp()
        clipped = ratio.clamp(1.0 - self.config.clip, 1.0 + self.config.clip)
        gain = torch.minimum(ratio * advantage, clipped * advantage) + self.config.entropy * moments[1].sum(-1)
        step(self.optimiser_actor, -gain.mean(), self.config.grad_clip)
        self.count += 1
        if self.count % 50:
            return {}
        far = ((ratio - 1.0).abs() > self.config.clip).float().mean()
        return {"clipped": float(far), "cost": float(self.multiplier.cost), "price": self.multiplier.value()}

    def update_values(self, batch: Transition[Tensor], features: Tensor) -> Tensor:
        """Regress both values on n-step returns and set the price; the joint advantage, normalised, (B,)."""
        value, cost = self.value(features).squeeze(-1), self.cost_value(features).squeeze(-1)
        with torch.no_grad():
            following = self.actor.features(batch.next_obs)
            returns = batch.reward + batch.discount * self.value(following).squeeze(-1)
            costs = drain(batch) + batch.discount * self.cost_value(following).squeeze(-1).clamp(min=0.0)
            advantage, excess = returns - value, costs - cost
        self.multiplier.update(cost.detach().mean())
        price = self.multiplier.value()
        step(self.optimiser_value, (value - returns).square().mean() + (cost - costs).square().mean())
        return standard(advantage - price * excess)


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> RememberingPolicy:
    """A policy without weights yet."""
    refuse_base("ppo_lagrangian", base)
    return RememberingPolicy(Recipe("ppo_lagrangian", config, spec), None)


def make(
    config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None
) -> PpoLagrangianLearner:
    """A learner for ``spec``; ``statistics`` scale its observations."""
    refuse_base("ppo_lagrangian", base)
    return PpoLagrangianLearner(config, spec, statistics)
