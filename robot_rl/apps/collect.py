"""``robot-rl collect``: demonstrations of a task into a dataset, from the lockstep twin or through the ROS 2 graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.apps.graph import run_on_graph
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
    noise: float = 0.11
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
    won = collect_on_graph(config) if config.ros else collect_lockstep(config)
    Console(highlight=False).print(f"{won} of {config.episodes} demonstrations succeeded, all are in {config.out}")


def collect_on_graph(config: Config) -> int:
    """Episodes on the ROS 2 graph in real time; how many succeeded."""
    arguments = ["--out", str(config.out), "--episodes", str(config.episodes), "--seed", str(config.seed)]
    arguments += ["--noise", str(config.noise), "--cameras", *config.cameras]
    title = f"demonstrations of {config.task} on the ROS 2 graph in real time"
    lines = run_on_graph(config.station, config.task, "robot_rl.nodes.teleop_node", arguments, title)
    return sum(bool(line["success"]) for line in lines)


def collect_lockstep(config: Config) -> int:
    """Episodes on the twin in this process, faster than real time; how many succeeded."""
    expert = make_expert(config.task, config.noise)
    env = make_twin_env(config.task, config.cameras)
    policy = TeleoperatorPolicy(env, expert)
    facts = {"task": config.task, "operator": "scripted expert", "noise": config.noise, "clock": "lockstep"}
    won = 0
    title = f"demonstrations of {config.task} in lockstep"
    with EpisodeWriter(config.out, env.spec, facts) as writer, bar(title, config.episodes) as advance:
        for i in range(config.episodes):
            won += run_episode(env, policy, config.seed + i, sink=writer).success
            advance(i + 1, f"{won} succeeded")
    env.close()
    return won
