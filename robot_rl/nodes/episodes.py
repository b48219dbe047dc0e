"""What the nodes share that run episodes: a task on the arm of the graph, recorded, one JSON line each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from robot_rl.actor.rollout import run_episode
from robot_rl.actor.session import recorded_spec
from robot_rl.core.clock import MonotonicClock
from robot_rl.core.protocols import Policy, Task
from robot_rl.core.rewards import Reward
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.seen import task_of_station
from robot_rl.nodes.client import RosRobot
from robot_rl.nodes.process import end_with, say
from robot_rl.rewards.file import chosen, make_reward
from sim.scenes.registry import make_scene

Facts = dict[str, str | int | float | bool]
"""What a dataset says of itself."""


@dataclass(frozen=True, kw_only=True)
class EpisodesConfig:
    """Which episodes, and where they go."""

    out: Path
    """Folder of the dataset; new episodes are added to the ones that are there."""
    task: str = "reach"
    """Name of the task; the graph must have been started for it."""
    episodes: int = 5
    """How many."""
    seed: int = 0
    """Seed of the first episode; the others count up."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """Which cameras are recorded."""
    station: str = ""
    """Station whose views of its cameras are recorded; empty: whole images."""
    reward: str = ""
    """Who says what a step is worth; empty: the station's choice, and without a station the task."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


class StepTimes:
    """How long after its deadline a step began (state and images were read by then), and how old what it saw was."""

    def __init__(self, env: RobotEnv) -> None:
        self.env = env
        self.restart()

    def restart(self) -> None:
        """Forget what was measured."""
        self.lateness: list[float] = []
        self.state_age: list[float] = []
        self.image_age: list[float] = []

    def measure(self) -> None:
        """Called before every step."""
        now = time.monotonic()
        self.lateness.append(now - (self.env.rate.deadline - self.env.rate.period))
        self.state_age.append(now - self.env.state.stamp)
        self.image_age += [now - camera.stamp for camera in self.env.cameras.values()]

    def summary(self) -> dict[str, float]:
        """Median and 99th percentile [s]."""
        series = {"step_lateness": self.lateness, "state_age": self.state_age, "image_age": self.image_age}
        return {
            f"{name}_p{share}": float(np.percentile(values, share))
            for name, values in series.items()
            if values
            for share in (50, 99)
        }


@contextmanager
def on_arm(task: Task, reward: Reward | None) -> Iterator[tuple[RosRobot, RobotEnv]]:
    """Join the graph: its arm with the cameras that ``task`` and ``reward`` look through, and the task on it."""
    seen = (*task.spec.cameras, *(() if reward is None else reward.cameras))
    with RosRobot(tuple(dict.fromkeys(seen)), objects=make_scene(task.name).objects) as robot:
        yield robot, RobotEnv(robot, robot.cameras, task, MonotonicClock(), reward)


def rehearse(env: RobotEnv, policy: Policy) -> None:
    """Do what a step does, but send nothing: what is loaded at first (1 s) is there before the arm waits for it.

    An object that nobody tracks is named here, before anything moves.
    """
    task, state, objects = env.task, env.robot.state(), env.robot.objects()
    frames = {name: camera.latest(env.max_age) for name, camera in env.cameras.items()}
    policy.reset()
    action = policy.act(policy.augment(task.observe(state, frames, objects)))[0]
    task.command(action, state, 0)
    task.executed(state, state, action)
    policy.reset()


def run_episodes(config: EpisodesConfig, make_policy: Callable[[RobotEnv], Policy], facts: Facts) -> None:
    """Join the graph, run and record every episode; a JSON line for each on standard output."""
    end_with(config.parent)
    task = task_of_station(config.task, config.cameras, config.station)
    reward = make_reward(config.reward, config.station, person=False)
    with on_arm(task, reward) as (robot, env):
        policy = make_policy(env)
        rehearse(env, policy)
        times = StepTimes(env)
        spec = recorded_spec(env, policy, config.seed)
        name = chosen(config.reward, config.station)
        facts = {"task": config.task, "clock": "real time", "reward": name, **facts}
        with EpisodeWriter(config.out, spec, facts) as writer:
            for number in range(config.episodes):
                times.restart()
                seed = config.seed + number
                result = run_episode(env, policy, seed, sink=writer, before_step=times.measure)
                say({"episode": number, **asdict(result), **times.summary(), "loop": robot.telemetry()})
