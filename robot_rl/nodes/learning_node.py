"""A policy that learns, on the graph: acts for a learner, a person may take over, what happened goes to the learner."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import tyro

from robot_rl.actor.duty import Duty, act, in_real_time
from robot_rl.envs.seen import task_of_policy
from robot_rl.learner import start
from robot_rl.nodes.episodes import on_arm, rehearse
from robot_rl.nodes.leader_device import leader_of
from robot_rl.nodes.process import end_with, run_process, say
from robot_rl.rewards.file import make_reward


@dataclass(frozen=True, kw_only=True)
class Config(Duty):
    """Act for a learner on a running graph."""

    begin: Path
    """The checkpoint to begin with: ``start`` in the learner's folder."""
    task: str
    """Name of the task; the graph must have been started for it."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


def main(config: Config) -> None:
    """Act; a JSON line for every episode on standard output, and one at the end."""
    end_with(config.parent)
    torch.set_num_threads(1)
    policy, stored = start.load(config.begin)
    reward = make_reward(config.reward, config.station, person=config.person.person)
    task = task_of_policy(config.task, policy.recipe.spec, config.station)
    with on_arm(task, reward) as (_, env):
        rehearse(env, policy)
        done = act(env, policy, stored, in_real_time(config), say, leader_of(config.person.device))
    say({"done": asdict(done)})


if __name__ == "__main__":
    run_process("learning", lambda: main(tyro.cli(Config)))
