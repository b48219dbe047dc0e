"""Episodes of the twin's pick_cube in front of two cameras: successes, and failures that look like them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, RobotState
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.rewards.file import make_reward
from robot_rl.tasks.experts import PickExpert

KINDS = ("lift", "lift", "empty", "halfway")
"""What a hand does, episode after episode: lift the cube; go up without it; lift it, but not far enough."""
LONGEST = 45
"""Steps of an episode, at most."""


class Hand:
    """A clumsy teleoperator who succeeds half of the time."""

    def __init__(self, noise: float) -> None:
        self.expert = PickExpert(noise)

    def reset(self, seed: int) -> None:
        """Begin the episode of ``seed``."""
        self.expert.reset(seed)
        rng = np.random.default_rng([seed, 3])
        self.kind, self.height = KINDS[seed % len(KINDS)], rng.uniform(0.03, 0.09)

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Her action (4,)."""
        action = self.expert.act(state, objects)
        if self.kind == "empty":
            action[3] = -1.0
        elif self.kind == "halfway" and objects["cube"][2] > 0.02 + self.height:
            action[:3] *= 0.1
            action[2] = -0.1
        return action


def record(root: Path, episodes: int, first_seed: int = 0, noise: float = 0.2) -> Path:
    """A dataset of them; each success goes on for some steps, so that there is something of it to see."""
    env = make_twin_env("pick_cube", ("front", "wrist"), reward=make_reward("linger"))
    env.max_steps = LONGEST
    hand = TeleoperatorPolicy(env, Hand(noise))
    with EpisodeWriter(root, env.spec, {"task": "pick_cube"}) as writer:
        for seed in range(first_seed, first_seed + episodes):
            run_episode(env, hand, seed, sink=writer)
    env.close()
    return root
