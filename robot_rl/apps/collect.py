"""``robot-rl collect``: demonstrations of a task into a dataset, from the lockstep twin or through the ROS 2 graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from robot_rl.actor.rollout import EpisodeResult, TeleoperatorPolicy, run_episode
from robot_rl.apps.progress import bar
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.tasks.registry import make_expert


@dataclass(frozen=True, kw_only=True)
class Config:
    """Record demonstrations by the scripted expert."""

    task: str = "peg_insert"
    """Name of the task."""
    out: Path
    """Folder of the dataset; new episodes are added to the ones that are there."""
    episodes: int = 25
    """How many."""
    noise: float = 0.3
    """Standard deviation of the noise on the expert's actions, which lie in [-1, 1]."""
    seed: int = 0
    """Seed of the first episode; the others count up."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """Which cameras are recorded."""
    ros: bool = False
    """Through the ROS 2 graph in real time, instead of the twin in lockstep."""
    station: str = "twin"
    """Station file or name, for ``--ros``."""


def main(config: Config) -> None:
    """Record, with a bar."""
    results = collect_lockstep(config)
    print_summary(results)


def collect_lockstep(config: Config) -> list[EpisodeResult]:
    """Episodes on the twin in this process, faster than real time."""
    expert = make_expert(config.task, config.noise)
    env = make_twin_env(config.task, config.cameras)
    policy = TeleoperatorPolicy(env, expert)
    facts = {"task": config.task, "operator": "scripted expert", "noise": config.noise, "clock": "lockstep"}
    results: list[EpisodeResult] = []
    title = f"demonstrations of {config.task} in lockstep"
    with EpisodeWriter(config.out, env.spec, facts) as writer, bar(title, config.episodes) as advance:
        for i in range(config.episodes):
            results.append(run_episode(env, policy, config.seed + i, sink=writer))
            advance(i + 1, f"{sum(r.success for r in results)} succeeded")
    env.close()
    return results


def print_summary(results: list[EpisodeResult]) -> None:
    """How many succeeded."""
    won = sum(r.success for r in results)
    Console(highlight=False).print(f"{won} of {len(results)} demonstrations succeeded; the others are kept as failures")
