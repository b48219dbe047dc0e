"""What an actor does for a learner, whatever arm it has: in the twin, or on a graph in real time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from robot_rl.actor.companion import Companion, CompanionConfig
from robot_rl.actor.rollout import EpisodeResult
from robot_rl.actor.runner import ActorConfig, ActorRunner, ActorSummary, LoadingPolicy
from robot_rl.core.spec import Spec
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.teleop.sample import Device
from robot_rl.transport.access import Credentials
from robot_rl.transport.client import ExperienceClient

Hear = Callable[[Mapping[str, Any]], None]
"""Hears ``page``, the address of a person's page, and what each episode came to, with ``total`` steps and the version
``weights``."""


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What is wanted of an actor."""

    spool: Path
    """Folder of what this actor did."""
    address: str = ""
    """Where the learner listens; empty: what the file ``address`` in its folder says."""
    credentials: Path | None = None
    """Folder of this actor made by ``robot-rl certificates``, if the learner was given its own."""
    station: str = ""
    """Station whose views of its cameras the policy is shown, and whose graph is started with ``--ros``; empty: whole
    images, and the twin's graph."""
    reward: str = ""
    """Who says what a step is worth: task, a classifier's folder, a file or name of a reward; empty: the station's
    choice, and without a station the task."""
    person: Annotated[CompanionConfig, tyro.conf.arg(name="")] = CompanionConfig()  # noqa: RUF009
    """Who may take over."""
    run: Annotated[ActorConfig, tyro.conf.arg(name="")] = ActorConfig()  # noqa: RUF009
    """Length, seeds and patience."""


def in_real_time(duty: Duty) -> Duty:
    """An arm cannot stand still between two steps: it holds where a twin would stop."""
    return replace(duty, run=replace(duty.run, wait="hold")) if duty.run.wait == "step" else duty


def act(
    env: RobotEnv, policy: LoadingPolicy, stored: Spec, duty: Duty, hear: Hear, leader: Device | None = None
) -> ActorSummary:
    """Act in ``env`` until the learner has enough, or SIGTERM or Ctrl-C.

    Args:
        env: The task on the robot.
        policy: To begin with.
        stored: What of every step the learner wants.
        duty: What is wanted.
        hear: Of a page and of every episode.
        leader: A leader arm, where there is one.
    """
    shown = Credentials.load(duty.credentials) if duty.credentials else None
    with ExitStack() as stack:
        client = stack.enter_context(ExperienceClient(duty.address, duty.spool, stored, credentials=shown))
        beside = stack.enter_context(Companion(duty.person, env, policy, leader)) if duty.person.device else None
        if beside is not None and beside.url:
            hear({"page": beside.url})
        facts = {"station": duty.station or "twin", "device": duty.person.device}
        runner = ActorRunner(env, policy, client, duty.run, beside and beside.pilot, facts)

        def ended(result: EpisodeResult) -> None:
            alarm = "" if env.reward is None else env.reward.alarm
            hear({**asdict(result), "total": runner.steps, "weights": runner.version, "alarm": alarm})

        return runner.run(ended)
