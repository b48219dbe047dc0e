"""``robot-rl evaluate``: success rate of a policy over seeded episodes of the lockstep twin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from rich.console import Console

from robot_rl.actor.rollout import EpisodeResult, run_episode
from robot_rl.apps.progress import bar
from robot_rl.core.errors import CheckpointError, ConfigError
from robot_rl.core.protocols import Env
from robot_rl.core.spec import Spec
from robot_rl.envs.seen import task_of_policy
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.checkpoint import describe, load_policy
from robot_rl.report.records import Evaluation
from robot_rl.report.run_folder import write_json
from robot_rl.rewards.file import make_reward


@dataclass(frozen=True, kw_only=True)
class Config:
    """Evaluate a checkpoint; the same seeds give the same episodes, so that policies can be compared."""

    checkpoint: tyro.conf.Positional[Path]
    """Folder of the checkpoint."""
    task: str = ""
    """Name of the task; empty: the one that the checkpoint was trained for."""
    episodes: int = 50
    """How many."""
    first_seed: int = 1000
    """Seed of the first episode; the others count up. Demonstrations start at 0."""
    station: str = ""
    """Station whose views of its cameras are used; empty: the one that the checkpoint's recordings were made on."""
    reward: str = ""
    """Who says what a success is: task, a classifier's folder, a file or name of a reward; empty: the task, which in
    the twin knows best."""
    out: Path | None = None
    """JSON file for the figures and every episode."""


def main(config: Config) -> None:
    """Evaluate, with a bar, and print the rate with its 95 % interval."""
    if config.episodes < 1:
        raise ConfigError(f"--episodes is {config.episodes}: give at least 1")
    torch.set_num_threads(1)
    task = config.task or task_of(config.checkpoint)
    policy = load_policy(config.checkpoint)
    station = config.station or str(describe(config.checkpoint)["meta"].get("station", ""))
    reward = make_reward(config.reward or "task", config.station, person=False)
    env = make_twin_env(task_of_policy(task, policy.recipe.spec, station), reward=reward)
    check_spec(config.checkpoint, policy.recipe.spec, env)
    results: list[EpisodeResult] = []
    with bar(f"evaluating {config.checkpoint} on {task}", config.episodes) as advance:
        for i in range(config.episodes):
            results.append(run_episode(env, policy, config.first_seed + i))
            advance(i + 1, f"{sum(r.success for r in results)} succeeded")
    evaluation = Evaluation(task=task, checkpoint=str(config.checkpoint), episodes=results)
    if config.out is not None:
        write_json(config.out, evaluation.to_json())
    low, high = evaluation.interval
    rate = f"{evaluation.successes} of {len(results)} succeeded: {evaluation.success:.0%} ({low:.0%} to {high:.0%})"
    console = Console(highlight=False)
    console.print(rate)
    if reward is not None and reward.alarm:
        console.print(f"REWARD: {reward.alarm}: look at robot-rl rewards review", soft_wrap=True)


def task_of(checkpoint: Path) -> str:
    """The task that a checkpoint says it was trained for."""
    task = str(describe(checkpoint)["meta"].get("task", ""))
    if not task:
        raise CheckpointError(f"{checkpoint} does not say what task it was trained for: give --task")
    return task


def check_spec(checkpoint: Path, trained: Spec, env: Env) -> None:
    """``CheckpointError`` unless the policy fits the environment."""
    if trained != env.spec:
        raise CheckpointError(f"{checkpoint} was trained for other observations or actions: check --task")
