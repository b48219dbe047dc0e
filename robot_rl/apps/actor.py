"""``robot-rl actor``: act in the twin, send what happens to a learner, adopt its newest weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from robot_rl.actor.companion import Companion, CompanionConfig
from robot_rl.actor.rollout import EpisodeResult
from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.apps.evaluate import task_of
from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConnectionLostError
from robot_rl.envs.seen import task_of_policy
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner import start
from robot_rl.rewards.file import make_reward
from robot_rl.transport.access import Credentials
from robot_rl.transport.client import ExperienceClient


@dataclass(frozen=True, kw_only=True)
class Config:
    """Act for a learner. What is not yet on the learner's disk stays in the spool, whoever is killed."""

    learner: tyro.conf.Positional[Path]
    """The learner's folder, or a copy of it on this machine: holds ``start``, the policy to begin with."""
    spool: Path
    """Folder of what this actor did."""
    address: str = ""
    """Where the learner listens; empty: what the file ``address`` in its folder says."""
    credentials: Path | None = None
    """Folder of this actor made by ``robot-rl certificates``, if the learner was given its own."""
    station: str = ""
    """Station whose views of its cameras the policy is shown; empty: whole images."""
    reward: str = ""
    """Who says what a step is worth: task, a classifier's folder, a file or name of a reward; empty: the station's
    choice, and without a station the task."""
    person: Annotated[CompanionConfig, tyro.conf.arg(name="")] = CompanionConfig()  # noqa: RUF009
    """Who may take over."""
    run: Annotated[ActorConfig, tyro.conf.arg(name="")] = ActorConfig()  # noqa: RUF009
    """Length, seeds and patience."""


def main(config: Config) -> None:
    """Act until the learner has enough, or Ctrl-C."""
    torch.set_num_threads(1)
    shown = Credentials.load(config.credentials) if config.credentials else None
    begin, address = find(config)
    policy, stored = start.load(begin)
    person = config.person
    reward = make_reward(config.reward, config.station, person=person.person)
    task = task_of_policy(task_of(begin), policy.recipe.spec, config.station)
    env = make_twin_env(task, guarded=bool(person.device), paced=person.person, reward=reward)
    run = replace(config.run, wait="hold") if person.person and config.run.wait == "step" else config.run
    say = Console(highlight=False).print
    won: list[bool] = []
    with ExitStack() as stack:
        client = stack.enter_context(ExperienceClient(address, config.spool, stored, credentials=shown))
        beside = stack.enter_context(Companion(person, env, policy)) if person.device else None
        if beside is not None and beside.url:
            say(f"operator's page: {beside.url}", soft_wrap=True)
        facts = {"station": config.station or "twin", "device": person.device}
        runner = ActorRunner(env, policy, client, run, beside and beside.pilot, facts)
        title = f"{'examining' if run.evaluate else 'acting'} for the learner at {address}"
        advance = stack.enter_context(bar(title, run.max_steps or float("inf")))

        def show(result: EpisodeResult) -> None:
            won.append(result.success)
            alarm = f"; REWARD: {reward.alarm}" if reward is not None and reward.alarm else ""
            recent = f"{sum(won[-50:])} of 50 succeeded{alarm}"
            advance(runner.steps, f"episode {len(won)}, weights {runner.version}, {recent}")

        done = runner.run(show)
    env.close()
    kept = "" if done.delivered else f"; what the learner has not yet is in {config.spool}"
    say(f"{done.steps} steps in {done.episodes} episodes{kept}")


def find(config: Config) -> tuple[Path, str]:
    """The checkpoint to begin with, and where the learner listens; waits for both."""
    begin, address_file = config.learner / "start", config.learner / "address"
    wait_for(lambda: begin.is_dir() and (config.address or address_file.is_file()), config)
    return begin, config.address or address_file.read_text().strip()


def wait_for(ready: Callable[[], object], config: Config) -> None:
    """Return when ``ready`` says so; ``ConnectionLostError`` when the learner does not appear in time."""
    deadline = time.monotonic() + config.run.connect_timeout
    while not ready():
        if time.monotonic() > deadline:
            raise ConnectionLostError(f"no learner is at work in {config.learner}: start robot-rl learner first")
        time.sleep(0.1)
