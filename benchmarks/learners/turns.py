"""Actor and learner take turns in one process: after every control step, the updates that it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from robot_rl.actor.rollout import EpisodeResult, run_episode
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import Source
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.learner.protocol import Learner, to_torch


@dataclass
class Turns:
    """A learner, and the environment that it acts in.

    Args:
        env: Where its policy explores.
        learner: Of any method that learns online.
        demos: The other half of its batches.
        capacity: Steps that its replay holds.
        seed: Of what is drawn from it.
    """

    env: RobotEnv
    learner: Learner
    demos: Source
    capacity: int
    seed: int = 0
    steps: int = 0
    updates: int = 0

    def __post_init__(self) -> None:
        self.online = Replay(self.learner.spec, self.capacity, self.seed)
        self.source = Mixture(self.online, self.demos, self.learner.sampling.demo_ratio)

    def episode(self, seed: int) -> EpisodeResult:
        """Explore for an episode, and learn meanwhile."""
        return run_episode(
            self.env, self.learner.policy, seed, explore=True, sink=self.online, before_step=self._before_step
        )

    def until(self, steps: int, seed: int, on_episode: Callable[[EpisodeResult], bool]) -> None:
        """Episodes of ``seed`` and after it, up to so many steps, or until ``on_episode`` has seen enough."""
        while self.steps < steps and not on_episode(self.episode(seed)):
            seed += 1

    def _before_step(self) -> None:
        sampling = self.learner.sampling
        self.steps += 1
        while self.updates < (self.steps - sampling.learning_starts) * sampling.utd:
            self.learner.update(to_torch(sampling.draw(self.source)))
            self.updates += 1
