"""A session of demonstrations on any environment: device, page, dataset and loop put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robot_rl.actor.collection import Collector, Plan, Tally, resume
from robot_rl.actor.seat import Seat, address
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.names import check_name
from robot_rl.core.protocols import Policy
from robot_rl.core.spec import Feature, Spec
from robot_rl.core.teleop import Operator
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.tasks.registry import make_expert
from robot_rl.teleop.devices import DEVICES
from robot_rl.teleop.operator import ScriptedOperator
from robot_rl.teleop.page import OperatorPage
from robot_rl.teleop.sample import Device


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """What is collected, how, and by whom."""

    task: str = "peg_insert"
    """Name of the task."""
    out: Path
    """Folder of the dataset; new episodes are added to the ones that are there."""
    episodes: int = 25
    """Good demonstrations that the dataset shall have in the end; those that it has already count."""
    device: str = "expert"
    """What the arm is moved with: spacemouse, gamepad, keyboard, browser, webxr, leader, or expert, a script."""
    instruction: str = ""
    """What the robot is to do, in natural language; stored with every episode."""
    operator: str = ""
    """Who collects; stored with every episode. Empty: the device's name."""
    keep_failures: bool = False
    """Keep failed episodes too, labelled."""
    review: float = -1.0
    """Time after each episode to keep, discard or relabel it [s]; -1: 4 s for a person, none for the expert."""
    noise: float = 0.11
    """Standard deviation of the noise on the expert's actions, which lie in [-1, 1]."""
    seed: int = 0
    """Seed of the first episode; the others count up, and go on where the dataset ends."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """Which cameras are recorded."""
    host: str = ""
    """Where the operator's page is served: 127.0.0.1, or 0.0.0.0 for phones and headsets (HTTPS and a token); empty:
    on this machine when a person is at work."""
    port: int = 0
    """Port of the page; 0: a free one."""
    reward: str = ""
    """Who says what a step is worth: task, key (only her keys), a classifier's folder, a file or name of a reward;
    empty: the station's choice, and without a station the task."""
    speed: float = 1.0
    """Share of the task's full speed at full deflection, in (0, 1]."""

    @property
    def person(self) -> bool:
        """Whether a person moves the arm."""
        return check_name("device", self.device, DEVICES) != "expert"


class Session:
    """Everything around a ``Collector``; a context manager that opens device, page and dataset.

    Args:
        config: What is wanted.
        env: The task on the robot.
        facts: Stored with every episode, beside what the config says.
        policy: What acts when nobody takes over; None: demonstrations only.
        leader: A leader arm, where there is one.
        clock: Of the device's stamps [s].
    """

    def __init__(
        self,
        config: SessionConfig,
        env: RobotEnv,
        facts: Mapping[str, str],
        policy: Policy | None = None,
        leader: Device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config, self.env, self.policy, self.leader, self.clock = config, env, policy, leader, clock
        name = config.device if config.person else "scripted expert"
        said = {"operator": config.operator or name, "device": config.device, "instruction": config.instruction}
        said |= {"reward": config.reward or "task"}
        self.facts: dict[str, str | int | float | bool] = {"task": config.task, **said, **facts}
        if not config.person:
            self.facts["noise"] = config.noise
        self.url = ""
        """Of the operator's page, with its certificate's fingerprint if it has one; empty: there is no page."""
        self._stack = ExitStack()

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            config = self.config
            self.tally = resume(config.out, config.task, config.seed)
            host = config.host or ("127.0.0.1" if config.person else "")
            seat = Seat(device=config.device, host=host, port=config.port, speed=config.speed)
            page = seat.page({"task": config.task, "instruction": config.instruction})
            operator = self._operator(stack, seat, page)
            if page is not None:
                stack.enter_context(page)
                self.url = address(page)
            pilot = SharedControl(self.env, operator, self.policy, clock=self.clock)
            spec = recorded_spec(self.env, pilot, self.tally.next_seed)
            writer = stack.enter_context(EpisodeWriter(config.out, spec, self.facts))
            usual = 4.0 if config.person else 0.0
            plan = Plan(
                good=config.episodes,
                keep_failures=config.keep_failures,
                review=config.review if config.review >= 0 else usual,
                facts=self.facts,
            )
            self.collector = Collector(self.env, pilot, writer, plan, self.tally, page)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def run(self, on_episode: Callable[[dict[str, Any]], None]) -> Tally:
        """Collect; ``on_episode`` hears of every episode."""
        return self.collector.run(on_episode)

    def _operator(self, stack: ExitStack, seat: Seat, page: OperatorPage | None) -> Operator:
        config = self.config
        if config.person:
            return seat.operator(stack, self.env.task, page, self.leader)
        return ScriptedOperator(make_expert(config.task, config.noise), () if page is None else (page.browser,))


def recorded_spec(env: RobotEnv, policy: Policy | SharedControl, seed: int) -> Spec:
    """The task's spec with what the policy stores beside each observation."""
    spec = env.spec
    for name, value in policy.augment(env.reset(seed)).items():
        if name not in spec.observation:
            spec = spec.with_feature(name, Feature(value.shape, str(value.dtype)))
    return spec
