"""Demonstrations on the graph: a teleoperator's actions become commands, every step is recorded.

Today's teleoperator is the task's scripted expert; a person's device takes its place behind the same protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from robot_rl.actor.rollout import TeleoperatorPolicy
from robot_rl.nodes.episodes import EpisodesConfig, run_episodes
from robot_rl.nodes.process import run_process
from robot_rl.tasks.registry import make_expert


@dataclass(frozen=True, kw_only=True)
class Config(EpisodesConfig):
    """Record demonstrations on a running graph."""

    noise: float = 0.0
    """Standard deviation of the noise on the expert's actions, which lie in [-1, 1]."""


def main(config: Config) -> None:
    """Record."""
    expert = make_expert(config.task, config.noise)
    facts = {"operator": "scripted expert", "noise": config.noise}
    run_episodes(config, lambda env: TeleoperatorPolicy(env, expert), facts)


if __name__ == "__main__":
    run_process("teleop", lambda: main(tyro.cli(Config)))
