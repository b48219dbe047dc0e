"""What the energy-aware methods share: the cost of a transition, and the PID controller of a Lagrange multiplier.

The cost is what every control step takes out of the tank on balance (control.md §2.10, c1). Policies store its running
sum beside the observation, so that a transition of any length costs the sum over its steps: a tank that has been
refilled in between has been drained all the same.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Observation, Transition
from robot_rl.core.spec import ENERGY, Feature, Spec

DRAINED = "observation.drained"
"""Energy that the steps of the episode have drained from the tank so far, (1,) [J]."""
Gains = tuple[float, float, float]
"""Proportional [1/J], integral [1/J per update] and derivative [1/J per J of rise]."""
SMOOTHING = 0.02
"""Share of a new measurement in the cost that the controller looks at."""


class Multiplier(nn.Module):
    r"""A Lagrange multiplier under PID control: :math:`\lambda = [K_P e + K_I \sum e + K_D \dot e^+]_+`, e = J - d."""

    cost: Tensor
    total: Tensor
    rise: Tensor

    def __init__(self, limit: float, gains: Gains, largest: float) -> None:
        """``limit`` d [J]; ``largest`` bounds the multiplier, and its integral, which so cannot wind up."""
        super().__init__()
        self.limit = limit
        self.gains = gains
        self.largest = largest
        self.lenient = False
        """Take every cost for 0, so that the price falls: for as long as the task itself is not learnt."""
        self.register_buffer("cost", torch.tensor(math.nan))
        self.register_buffer("total", torch.tensor(0.0))
        self.register_buffer("rise", torch.tensor(0.0))

    @torch.no_grad()
    def update(self, cost: Tensor) -> None:
        """Take in a measurement () of the cost J [J]."""
        cost = torch.zeros_like(cost) if self.lenient else cost
        before = cost if torch.isnan(self.cost) else self.cost
        now = before + SMOOTHING * (cost - before)
        self.rise.copy_((now - before).clamp(min=0.0))
        self.cost.copy_(now)
        self.total.copy_((self.total + self.gains[1] * (now - self.limit)).clamp(0.0, self.largest))

    def value(self) -> float:
        """The multiplier [1/J], 0 or more; 0 before the first measurement."""
        if torch.isnan(self.cost) or math.isinf(self.limit):
            return 0.0
        excess = float(self.cost) - self.limit
        value = self.gains[0] * excess + float(self.total) + self.gains[2] * float(self.rise)
        return min(max(value, 0.0), self.largest)


class Meter:
    """Adds up what an episode's steps drain: never negative, a gain costs nothing."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self.tank = math.nan
        self.drained = 0.0

    def augment(self, obs: Observation) -> Observation:
        """Add ``DRAINED``; to be called once for every observation of an episode, in order."""
        tank = float(obs[ENERGY][0])
        if not math.isnan(self.tank):
            self.drained += max(0.0, self.tank - tank)
        self.tank = tank
        return {**obs, DRAINED: np.array([self.drained], np.float32)}


def drain(batch: Transition[Tensor]) -> Tensor:
    """Energy that the steps of a transition drained from the tank, (B,) [J]."""
    return batch.next_obs[DRAINED][:, 0] - batch.obs[DRAINED][:, 0]


def metered(spec: Spec) -> Spec:
    """What a replay stores for an energy-aware method."""
    return spec.without_images().with_feature(DRAINED, Feature((1,)))


def check_energy(spec: Spec, method: str) -> None:
    """``ConfigError`` when a task does not observe the ledger."""
    if ENERGY not in spec.observation:
        raise ConfigError(f"{method} needs a task that observes its energy: use maze, or a method without a budget")
