"""Training on the unfiltered maze, actor and learner in lockstep: SAC-Lagrangian or PPO-Lagrangian."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from deployment import controller

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Observation
from robot_rl.core.spec import ENERGY
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import ppo_lagrangian, sac_lagrangian
from robot_rl.nets.normaliser import Statistics, measure
from robot_rl.nets.optimise import step
from robot_rl.tasks.registry import make_expert

DEMOS, NOISE = 10, 0.3
AGNOSTIC = float("inf")
"""A ``limit`` that is never reached: the method knows nothing of energy."""
LIMITS = {"sac": 0.65, "ppo": 0.65}
"""``limit`` of the passivity-aware policy per method [J]."""
STEPS = {"sac": 6000, "ppo": 12_000}
"""Environment steps of training per method."""
SAC = sac_lagrangian.Config(
    hidden=(128, 128),
    n_step=3,
    polyak=0.01,
    lr_actor=1e-3,
    lr_critic=1e-3,
    gains=(0.1, 0.0005, 0.0),
    price_max=0.5,
    utd=1,
    learning_starts=200,
    batch_size=128,
)
PPO = ppo_lagrangian.Config(
    lr_actor=5e-5, n_step=16, utd=0.1, learning_starts=1000, gains=(0.1, 0.005, 0.0), price_max=0.5
)
UNSEEN, MUTED = 3, 10.0
"""Feature of the ledger that is always 1 without the filter (the share it lets through), and its deviation."""
CLONING = 1000
"""Gradient steps of imitation before PPO, which would hardly find the goal of a maze from nothing."""
SPREAD = 0.3
"""Standard deviation, before tanh, that PPO starts with."""
EDGE = 0.9
"""Largest action that is imitated: beyond it, tanh is flat and the ratios are wild."""
LEARNT = {"sac": 0.8, "ppo": 0.0}
"""Share of the recent training episodes that must succeed, or else energy's price falls to nothing: a price that comes
before the task is learnt teaches to stand still. PPO knows the task from imitation."""
JUDGED, AT_LEAST = 20, 10
"""How many episodes are recent, and how many there must be before the task can count as learnt."""
RECENT = 2000
"""Steps that PPO's replay holds."""


class Demonstrator(TeleoperatorPolicy):
    """A clumsy person whose observations are stored with what a learner's policy adds to them."""

    def __init__(self, env: RobotEnv, policy: Policy) -> None:
        super().__init__(env, make_expert("maze", NOISE))
        self.policy = policy

    def reset(self) -> None:
        """A new episode for the policy too."""
        self.policy.reset()

    def augment(self, obs: Observation) -> Observation:
        """What the policy adds."""
        return self.policy.augment(obs)


class Training:
    """Actor and learner in lockstep on one unfiltered twin, from ``DEMOS`` clumsy demonstrations."""

    def __init__(self, method: str, limit: float, seed: int) -> None:
        self.env = make_twin_env("maze", controller=controller(filtered=False))
        plain = Replay(self.env.spec, 5000, seed=seed)
        self.demonstrate(TeleoperatorPolicy(self.env, make_expert("maze", NOISE)), plain, seed)
        statistics = statistics_of(plain)
        module, config = (sac_lagrangian, SAC) if method == "sac" else (ppo_lagrangian, PPO)
        self.learner = module.make(replace(config, limit=limit, seed=seed), self.env.spec, statistics=statistics)
        self.demos = Replay(self.learner.spec, 5000, seed=seed)
        self.demonstrate(Demonstrator(self.env, self.learner.policy), self.demos, seed)
        self.online = Replay(self.learner.spec, 50_000 if method == "sac" else RECENT, seed=seed + 1)
        self.source = Mixture(self.online, self.demos, SAC.demo_ratio) if method == "sac" else self.online
        if method == "ppo":
            clone(self.learner, self.demos)
        self.steps, self.owed = 0, 0.0
        self.learnt = LEARNT[method]
        self.successes: deque[bool] = deque(maxlen=JUDGED)
        self.metrics: dict[str, float] = {}

    def demonstrate(self, person: TeleoperatorPolicy, replay: Replay, seed: int) -> None:
        """Fill ``replay`` with the demonstrations that belong to ``seed``."""
        for i in range(DEMOS):
            run_episode(self.env, person, 10_000 * seed + i, sink=replay)

    def update(self) -> None:
        """Before every control step."""
        sampling = self.learner.sampling
        self.steps += 1
        self.owed += sampling.utd if self.steps > sampling.learning_starts else 0.0
        while self.owed >= 1.0:
            self.metrics |= self.learner.update(to_torch(sampling.draw(self.source)))
            self.owed -= 1.0

    def run(self, steps: int, first_seed: int) -> Policy:
        """Learn for at least ``steps`` environment steps."""
        seed, policy = first_seed, self.learner.policy
        while self.steps < steps:
            self.learner.multiplier.lenient = self.is_learning()
            done = run_episode(self.env, policy, seed, explore=True, sink=self.online, before_step=self.update)
            self.successes.append(done.success)
            seed += 1
        return policy

    def is_learning(self) -> bool:
        """Whether too few of the recent episodes reach the goal for energy to be priced."""
        judged = self.successes
        return self.learnt > 0.0 and (len(judged) < AT_LEAST or sum(judged) < self.learnt * len(judged))


def statistics_of(demos: Replay) -> Statistics:
    """Mean and deviation of the vectors, with ``UNSEEN`` features muted: they would be noise once the filter acts."""
    rows = demos.sample(4000).obs
    statistics = measure({name: rows[name] for name in demos.spec.vectors})
    statistics[ENERGY][1, UNSEEN] = MUTED
    return statistics


def clone(learner: ppo_lagrangian.PpoLagrangianLearner, demos: Replay) -> None:
    """Make the actor's mode what the demonstrators did, its deviation ``SPREAD``, and the values what came of it.

    By the likelihood it would learn a handful of demonstrations by heart, with next to no deviation, and PPO's ratios
    would then be far from 1 after any step.
    """
    sampling = learner.sampling
    for _ in range(CLONING):
        batch = to_torch(sampling.draw(demos))
        features = learner.actor.features(batch.obs)
        learner.update_values(batch, features)
        mean, log_std = learner.actor.head.moments(features)
        miss = (mean.tanh() - batch.action.clamp(-EDGE, EDGE)).square() + (log_std - math.log(SPREAD)).square()
        step(learner.optimiser_actor, miss.sum(-1).mean(), PPO.grad_clip)
    learner.multiplier.total.zero_()  # the demonstrators' excess is not the policy's
