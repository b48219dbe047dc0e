"""RLPD: soft actor-critic from demonstrations and experience, half and half, with many critics and updates.

Ball et al. 2023, "Efficient Online Reinforcement Learning with Offline Data". The loop of UTD critic updates and one
actor update is spread over UTD calls of ``update``, each with a batch of its own. As an option the gripper, the last
action dimension, chooses between a few commands by a Q-network of its own, which the arm's critics do not see (Luo et
al. 2024, "Precise and Dexterous Robotic Manipulation via Human-in-the-Loop Reinforcement Learning").
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
from robot_rl.nets.critic import CriticEnsemble, Precision, slope, subset
from robot_rl.nets.gripper import GripperHead
from robot_rl.nets.normaliser import Statistics
from robot_rl.nets.optimise import adam, mix, step
from robot_rl.nets.vision.config import Vision


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyper-parameters of RLPD."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    members: int = 10
    """Critics."""
    subset: int = 2
    """Critics drawn per update whose minimum is the target."""
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
    entropy_backup: bool = False
    """Whether the target contains the entropy; off for sparse rewards."""
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
    precision: Precision = "float32"
    """Of the products inside critics and eyes; bfloat16 takes half the time on a CPU that multiplies it."""
    gripper_levels: tuple[float, ...] = ()
    """Commands that the gripper chooses from, such as -1 0 1; empty: it is continuous like the rest of the action."""
    vision: Vision = field(default_factory=Vision)
    """How camera images are seen. The critics' loss trains it; the actor takes what it sees as given."""


class RlpdLearner(GaussianLearner):
    """Soft policy iteration with an ensemble of critics on half-and-half batches."""

    def __init__(self, config: Config, spec: Spec, statistics: Statistics | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.sampling = Sampling(
            batch_size=config.batch_size,
            n_step=config.n_step,
            gamma=config.gamma,
            demo_ratio=config.demo_ratio,
            utd=config.utd,
            learning_starts=config.learning_starts,
            shift=config.vision.shift,
        )
        spec = config.vision.seen(spec)
        self.policy = GaussianPolicy(Recipe("rlpd", config, spec), statistics)
        self.actor = self.policy.net.to(config.device)
        self.spec = self.actor.eyes.stored(spec)
        self.actor.eyes.precision = config.precision
        self.eyes_target = self.actor.eyes.target()
        self.critic = CriticEnsemble(config.members, self.actor.width, self.actor.free, config.hidden).to(config.device)
        self.critic.precision = config.precision
        self.critic_target = copy.deepcopy(self.critic)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature, device=config.device).log())
        self.optimiser_actor = adam(self.actor.head.parameters(), config.lr_actor)
        self.optimiser_critic = adam([*self.critic.parameters(), *self.actor.eyes.parameters()], config.lr_critic)
        self.optimiser_temperature = adam([self.log_temperature], config.lr_temperature)
        if self.actor.gripper is not None:
            self.gripper_target = copy.deepcopy(self.actor.gripper)
            self.optimiser_gripper = adam(self.actor.gripper.parameters(), config.lr_critic)
        self.count = 0

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One critic update, and every ``utd`` of them an actor and a temperature update."""
        features = self.actor.features(batch.obs)  # (B, n)
        q = self.critic(features, batch.action[:, : self.actor.free])  # (E, B)
        critic_loss = (q - self.target(batch)).square().mean()
        step(self.optimiser_critic, critic_loss)
        mix(self.critic_target, self.critic, self.config.polyak)
        mix(self.eyes_target, self.actor.eyes, self.config.polyak)
        self.count += 1
        if self.actor.gripper is not None:
            self.update_gripper(self.actor.gripper, features.detach(), batch)
        if self.count % self.config.utd == 0:
            self.update_actor(features.detach())
        if self.count % 50:
            return {}
        values = {"critic_loss": critic_loss, "q": q.mean(), "temperature": self.log_temperature.exp()}
        return {k: float(v.detach()) for k, v in values.items()}

    @torch.no_grad()
    def target(self, batch: Transition[Tensor]) -> Tensor:
        """Reward plus the discounted minimum over a random subset of the target critics, (B,)."""
        config = self.config
        next_features = self.actor.features(batch.next_obs)
        next_action, log_prob = self.actor.head.sample(next_features)
        if self.eyes_target.names:
            next_features = self.actor.features(batch.next_obs, self.eyes_target)
        chosen = subset(config.members, config.subset, config.device)
        next_q = self.critic_target(next_features, next_action, chosen).amin(0)
        if config.entropy_backup:
            next_q = next_q - self.log_temperature.exp() * log_prob
        return batch.reward + batch.discount * next_q

    def update_gripper(self, gripper: GripperHead, features: Tensor, batch: Transition[Tensor]) -> None:
        """One step of double DQN on the gripper's commands; it has no exploration and no entropy of its own."""
        with torch.no_grad():
            next_features = self.actor.features(batch.next_obs)
        y = batch.reward + batch.discount * gripper.next_value(self.gripper_target, next_features)
        step(self.optimiser_gripper, gripper.loss(features, batch.action[:, -1], y))
        mix(self.gripper_target, gripper, self.config.polyak)

    def update_actor(self, features: Tensor) -> None:
        """Descend temperature * log_prob - mean Q, then move the temperature towards the target entropy."""
        action, log_prob = self.actor.head.sample(features)
        _, gradient = slope(self.critic, features, action)
        temperature = self.log_temperature.exp().detach()
        loss = (temperature * log_prob - (action * gradient).sum(-1)).mean()
        step(self.optimiser_actor, loss)
        surplus = log_prob.detach().mean() + self.config.target_entropy * action.shape[-1]
        step(self.optimiser_temperature, -self.log_temperature * surplus)


def make_policy(config: Config, spec: Spec, *, base: Policy | None = None) -> GaussianPolicy:
    """A policy without weights yet."""
    refuse_base("rlpd", base)
    return GaussianPolicy(Recipe("rlpd", config, spec), None)


def make(
    config: Config, spec: Spec, *, base: Policy | None = None, statistics: Statistics | None = None
) -> RlpdLearner:
    """A learner for ``spec``; ``statistics`` scale its observations."""
    refuse_base("rlpd", base)
    return RlpdLearner(config, spec, statistics)
