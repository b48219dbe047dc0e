"""``robot-rl deploy``: a policy on the ROS 2 graph in real time, every step recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.apps.evaluate import task_of
from robot_rl.apps.graph import run_on_graph
from robot_rl.core.station import load_station
from robot_rl.learner.checkpoint import load_policy
from robot_rl.nodes.readiness import Need, look_with, require
from robot_rl.report.on_graph import evaluation_of
from robot_rl.report.run_folder import write_json
from robot_rl.rewards.file import make_reward


@dataclass(frozen=True, kw_only=True)
class Config:
    """Deploy a checkpoint on the graph of a station."""

    checkpoint: tyro.conf.Positional[Path]
    """Folder of the checkpoint."""
    out: Path
    """Folder of the dataset that the episodes are recorded to; figures go beside it, as <out>.json."""
    task: str = ""
    """Name of the task; empty: the one that the checkpoint was trained for."""
    episodes: int = 5
    """How many."""
    seed: int = 5000
    """Seed of the first episode; the others count up."""
    station: str = "twin"
    """Name of a station in launch/stations, or the path of a station file."""
    reward: str = ""
    """Who says what a success is: task, a classifier's folder, a file or name of a reward; empty: the station's
    choice."""


def main(config: Config) -> None:
    """Start the graph, act, stop it."""
    task = config.task or task_of(config.checkpoint)
    policy = load_policy(config.checkpoint)
    need = Need(task=task, spec=policy.recipe.spec)
    require(look_with(load_station(config.station), need), config.station)
    make_reward(config.reward, config.station, person=False)
    arguments = ["--checkpoint", str(config.checkpoint), "--out", str(config.out)]
    arguments += ["--station", config.station, "--episodes", str(config.episodes), "--seed", str(config.seed)]
    arguments += ["--reward", config.reward]
    title = f"deploying {config.checkpoint} on the ROS 2 graph in real time"
    lines = run_on_graph(config.station, task, "robot_rl.nodes.actor_node", arguments, title)
    evaluation = evaluation_of(task, str(config.checkpoint), lines)
    write_json(config.out.with_suffix(".json"), evaluation.to_json())
    rate = f"{evaluation.successes} of {len(lines)} succeeded"
    violations = sum(e.violations for e in evaluation.episodes)
    Console(highlight=False).print(f"{rate}, {violations} passivity violations")
