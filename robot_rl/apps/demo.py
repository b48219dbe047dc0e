"""``robot-rl demo``: the whole journey on this machine, from demonstrations to a deployed policy and its report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from robot_rl.apps import collect, deploy, evaluate, report, train
from robot_rl.apps.graph import require_ros
from robot_rl.apps.pair import fine_tune
from robot_rl.core.names import check_name
from robot_rl.methods import bc
from robot_rl.report.journal import Journal
from robot_rl.tasks.registry import TASKS


@dataclass(frozen=True, kw_only=True)
class Config:
    """Demonstrations, base policy, fine-tuning, deployment, report."""

    task: str = "peg_insert"
    """Name of the task."""
    runs: Path = Path("runs")
    """Where the run's folder is made."""
    graph_demos: int = 3
    """Good demonstrations through the ROS 2 graph, in real time."""
    twin_demos: int = 15
    """Good demonstrations on the twin in lockstep; with so few the base policy fails often, and has to improve."""
    noise: float = 0.11
    """Standard deviation of the noise on the expert's actions, which lie in [-1, 1]."""
    evaluations: int = 50
    """Seeded episodes before, and the same ones after."""
    method: str = "resfit"
    """Method of the fine-tuning."""
    env_steps: int = 16_000
    """Environment steps of fine-tuning."""
    minutes: float = 7.0
    """Longest time for the fine-tuning."""
    deployments: int = 5
    """Episodes of the result on the ROS 2 graph, in real time."""


def main(config: Config) -> None:
    """Run every phase; each is also a command of its own."""
    check_name("task", config.task, TASKS)
    require_ros()
    folder = config.runs / time.strftime("%Y-%m-%d_%H-%M-%S")
    journal = Journal(folder, config.task, settings(config))
    console = Console(highlight=False)
    for number, (name, act) in enumerate(phases(config, folder), 1):
        console.print(f"[bold]{number}/7[/bold] {name}")
        with journal.phase(name):
            act()
    report.main(report.Config(run=folder))


def phases(config: Config, run: Path) -> list[tuple[str, Callable[[], None]]]:
    """Name of each phase, and what it calls."""
    demos, base, result = run / "demos", run / "base", run / "online" / "finetuned"
    task, noise, seeds = config.task, config.noise, config.evaluations
    on_graph = collect.Config(task=task, out=demos, episodes=config.graph_demos, noise=noise, ros=True)
    both = config.graph_demos + config.twin_demos
    on_twin = collect.Config(task=task, out=demos, episodes=both, noise=noise)
    cloning = train.Config(algorithm="bc", dataset=demos, out=base, method=bc.Config())
    before = evaluate.Config(checkpoint=base, episodes=seeds, out=run / "before.json")
    after = evaluate.Config(checkpoint=result, episodes=seeds, out=run / "after.json")
    deployment = deploy.Config(checkpoint=result, out=run / "deploy", episodes=config.deployments)
    learner = [config.method, "--demos", str(demos), "--base", str(base), "--task", task]
    return [
        ("demonstrations on the graph", lambda: collect.main(on_graph)),
        ("demonstrations in lockstep", lambda: collect.main(on_twin)),
        ("base policy", lambda: train.main(cloning)),
        ("evaluation before", lambda: evaluate.main(before)),
        ("fine-tuning", lambda: fine_tune(run, learner, config.env_steps, config.minutes)),
        ("evaluation after", lambda: evaluate.main(after)),
        ("deployment on the graph", lambda: deploy.main(deployment)),
    ]


def settings(config: Config) -> dict[str, str]:
    """What is run, in words, for the report."""
    return {
        "demonstrations": f"{config.graph_demos} through the ROS 2 graph in real time, {config.twin_demos} in lockstep",
        "expert": f"scripted, noise {config.noise:g}",
        "base policy": "bc (behaviour cloning of action chunks)",
        "fine-tuning": f"{config.method}, sparse reward, at most {config.env_steps} steps and {config.minutes:g} min",
        "evaluation": f"{config.evaluations} seeded episodes on the lockstep twin, the same before and after",
        "deployment": f"{config.deployments} episodes on the ROS 2 graph in real time",
    }
