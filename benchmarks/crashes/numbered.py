"""Steps whose contents follow from who made them and their number, and an environment and a policy that make them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Action, EnergyState, Mode, Observation, Source, Step
from robot_rl.core.spec import STATE, Feature, Spec

SPEC = Spec(observation={STATE: Feature((19,))}, action_dim=4, rate=25.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)
LIVES = 1000
"""Lives of an actor, at most: actor and life make one number."""
SLUGGISH = 0.6
"""How long a slow actor takes over new weights [s]."""
PUBLICATION = "publication"
"""Name of a tensor beside the weights: which life of the learner published them, and its how-manieth they are."""


def seen(who: int, number: int) -> Observation:
    """What ``who`` saw before step ``number``."""
    rest = np.random.default_rng([who, number]).standard_normal(17)
    return {STATE: np.concatenate([[who, number], rest]).astype(np.float32)}


def done(who: int, number: int) -> NDArray[np.float32]:
    """What ``who`` did in step ``number``, (4,)."""
    return np.sin(np.arange(4) + 0.1 * number + who).astype(np.float32)


class NumberedEnv:
    """Episodes of a few steps, paced; ``on_step`` hears of every step before it is made."""

    spec = SPEC
    max_steps = 60

    def __init__(self, who: int, on_step: Callable[[], None]) -> None:
        self.who, self.on_step = who, on_step
        self.number = 0
        self.rng = np.random.default_rng(who)

    def reset(self, seed: int) -> Observation:  # noqa: ARG002
        """The next episode; its number goes on where the last one ended, and one further for its last observation."""
        self.left = int(self.rng.integers(5, self.max_steps))
        return seen(self.who, self.number)

    def step(self, action: NDArray[np.float32], source: Source = Source.POLICY) -> Step:  # noqa: ARG002
        """One step."""
        self.on_step()
        time.sleep(1 / SPEC.rate)
        executed = done(self.who, self.number)
        reward = float(self.number)
        self.number += 1
        self.left -= 1
        obs = seen(self.who, self.number)
        ended = self.left <= 0
        self.number += ended  # the last observation is no step's
        return Step(
            stamp=time.monotonic(), obs=obs, executed=executed, reward=reward, success=ended, terminated=ended,
            truncated=False, energy=ENERGY, peak_force=0.0, state=None,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing."""


class TaggedPolicy:
    """Does what is expected of it, and knows which publication its weights are."""

    def __init__(self) -> None:
        self.publication = (0, 0)
        self.taken = 0.0
        """When the weights in use were taken, if no step was made since; else 0 [s]."""
        self.slow_until = 0.0

    def dawdle(self, seconds: float) -> None:
        """Adopting weights takes longer than two publications, for a while."""
        self.slow_until = time.monotonic() + seconds

    def reset(self) -> None:
        """Nothing."""

    def augment(self, obs: Observation) -> Observation:
        """As it is."""
        return obs

    def act(self, obs: Observation, *, explore: bool = False) -> Action:  # noqa: ARG002
        """One row."""
        who, number = (int(v) for v in obs[STATE][:2])
        return done(who, number)[None]

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt them."""
        self.taken = time.monotonic()
        if self.taken < self.slow_until:
            time.sleep(SLUGGISH)
        life, count = weights[PUBLICATION]
        self.publication = (int(life), int(count))
