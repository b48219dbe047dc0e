"""SAC-Lagrangian: reward under a bound on the energy that is drained from the passivity tank.

Ha et al. 2020, "Learning to Walk in the Real World with Minimal Human Effort" (SAC under a constraint); Stooke et al.
2020, "Responsive Safety in RL by PID Lagrangian Methods" (the multiplier); Zhang et al. 2025, arXiv 2503.00287 (energy
tank as the constraint). The reward's part is RLPD's, Ball et al. 2023.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from robot_rl.core.protocols import Policy
from robot_rl.core.records import Observation, Transition
from robot_rl.core.spec import Spec
from robot_rl.learner.energy import Gains, Meter, Multiplier, check_energy, drain, metered
from robot_rl.learner.gaussian_policy import GaussianLearner, GaussianPolicy, refuse_base
from robot_rl.learner.protocol import Recipe, Sampling
from robot_rl.nets.critic import CriticEnsemble, slope, subset
from robot_rl.nets.normaliser import Statistics
from robot_rl.nets.optimise import adam, mix, step


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of SAC-Lagrangian."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    members: int = 4
    """Critics of the reward."""
    subset: int = 2
    """Critics drawn per update whose minimum is the target."""
    cost_members: int = 2
    """Critics of the cost; the largest counts."""
    limit: float = 0.5
    """Bound d on the energy [J] that is yet to be drained, discounted, in the mean over the states met. Infinite: the
    method knows nothing of energy."""
    gains: Gains = (0.05, 0.0005, 0.0)
    """Of the PID controller that sets the price of energy by the excess over ``limit``."""
    price_max: float = 1.0
    """Largest price of energy [1/J], for rewards of 0 and 1."""
    gamma: float = 0.97
    """Discount per control step."""
    n_step: int = 1
    """Rewards summed per transition."""
    polyak: float = 0.005
    """Share of the online critics mixed into their targets per update."""
    lr_actor: float = 3e-4
    """Step size of the actor."""
    lr_critic: float = 3e-4
    """Step size of the critics."""
    lr_temperature: float = 3e-4
    """Step size of the logarithm of the temperature."""
    temperature: float = 0.01
    """Weight of the entropy at the start; small, for rewards of 0 and 1."""
    target_entropy: float = -0.5
    """Wanted entropy per action dimension."""
    utd: int = 4
    """Critic updates per environment step, and per actor update."""
    learning_starts: int = 500
    """Environment steps before the first update."""
    demo_ratio: float = 0.5
    """Share of demonstrations in a batch."""
    batch_size: int = 256
    """Transitions per update."""
    seed: int = 0
    """Of weights and samples."""
    device: str = "cpu"
    """Where to train."""


class MeteredPolicy(GaussianPolicy):
    """A Gaussian policy that stores beside every observation what has been drained so far."""

    def __init__(self, recipe: Recipe, statistics: Statistics | None) -> None:
        super().__init__(recipe, statistics)
        self.meter = Meter()

    def reset(self) -> None:
        """A new episode."""
        self.meter.reset()

    def augment(self, obs: Observation) -> Observation:
        """Add ``DRAINED``."""
        return self.meter.augment(obs)


class SacLagrangianLearner(GaussianLearner):
    """Soft policy iteration with an ensemble of critics on half-and-half batches."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        check_energy(spec, "sac_lagrangian")
        torch.manual_seed(config.seed)
        self.config = config
        self.spec = metered(spec)
        self.sampling = Sampling(
            batch_size=config.batch_size,
            n_step=config.n_step,
            gamma=config.gamma,
            demo_ratio=config.demo_ratio,
            utd=config.utd,
            learning_starts=config.learning_starts,
        )
        self.policy = MeteredPolicy(Recipe("sac_lagrangian", config, spec), statistics)
        self.actor = self.policy.net.to(config.device)
        width = self.actor.normaliser.width
        self.critic = CriticEnsemble(config.members, width, spec.action_dim, config.hidden).to(config.device)
        self.critic_target = copy.deepcopy(self.critic)
        self.cost_critic = CriticEnsemble(config.cost_members, width, spec.action_dim, config.hidden).to(config.device)
        self.cost_critic_target = copy.deepcopy(self.cost_critic)
        self.multiplier = Multiplier(config.limit, config.gains, config.price_max).to(config.device)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature, device=config.device).log())
        self.optimiser_actor = adam(self.actor.head.parameters(), config.lr_actor)
        self.optimiser_critic = adam(self.critic.parameters(), config.lr_critic)
        self.optimiser_cost_critic = adam(self.cost_critic.parameters(), config.lr_critic)
        self.optimiser_temperature = adam([self.log_temperature], config.lr_temperature)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One update of the critics, and every ``utd`` of them one of actor, price and temperature."""
        features = self.actor.features(batch.obs)  # (B, n)
        value, cost = self.targets(batch)
        q, q_cost = self.critic(features, batch.action), self.cost_critic(features, batch.action)  # (E, B)
        step(self.optimiser_critic, (q - value).square().mean())
        step(self.optimiser_cost_critic, (q_cost - cost).square().mean())
        mix(self.critic_target, self.critic, self.config.polyak)
        mix(self.cost_critic_target, self.cost_critic, self.config.polyak)
        self.count += 1
        if self.count % self.config.utd == 0:
            self.update_actor(features)
        if self.count % 50:
            return {}
        values = {"q": q.mean(), "q_cost": q_cost.mean(), "temperature": self.log_temperature.exp()}
        return {k: float(v.detach()) for k, v in values.items()} | {"price": self.multiplier.value()}

    @torch.no_grad()
    def targets(self, batch: Transition[Tensor]) -> tuple[Tensor, Tensor]:
        """Reward plus the discounted minimum over a random subset of the target critics, and drain plus the discounted
        maximum over the target cost critics, each (B,)."""
        next_features = self.actor.features(batch.next_obs)
        next_action, _ = self.actor.head.sample(next_features)
        chosen = subset(self.config.members, self.config.subset, self.config.device)
        next_q = self.critic_target(next_features, next_action, chosen).amin(0)
        next_cost = self.cost_critic_target(next_features, next_action).amax(0).clamp(min=0.0)
        return batch.reward + batch.discount * next_q, drain(batch) + batch.discount * next_cost

    def update_actor(self, features: Tensor) -> None:
        """Descend (temperature * log_prob - Q + price * Q_cost) / (1 + price), then move temperature and price."""
        action, log_prob = self.actor.head.sample(features)
        _, gain = slope(self.critic, features, action)
        cost, loss_slope = slope(self.cost_critic, features, action)
        self.multiplier.update(cost.mean())
        price, temperature = self.multiplier.value(), self.log_temperature.exp().detach()
        objective = (action * (gain - price * loss_slope)).sum(-1)
        step(self.optimiser_actor, (temperature * log_prob - objective).mean() / (1.0 + price))
        surplus = log_prob.detach().mean() + self.config.target_entropy * action.shape[-1]
        step(self.optimiser_temperature, -self.log_temperature * surplus)


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> MeteredPolicy:
    """A policy without weights yet."""
    refuse_base("sac_lagrangian", base)
    return MeteredPolicy(Recipe("sac_lagrangian", config, spec), None)


def make(
    config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None
) -> SacLagrangianLearner:
    """A learner for ``spec``; ``statistics`` scale its observations."""
    refuse_base("sac_lagrangian", base)
    return SacLagrangianLearner(config, spec, statistics)
