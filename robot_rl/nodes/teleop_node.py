"""Demonstrations on the graph: a person's device or the scripted expert moves the arm, every step is recorded."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from controllers.arms.joint_names import joint_names
from controllers.arms.panda import panda
from robot_rl.actor.session import Session, SessionConfig
from robot_rl.core.clock import MonotonicClock
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.seen import task_of_station
from robot_rl.nodes.client import RosRobot
from robot_rl.nodes.episodes import StepTimes, cameras_of
from robot_rl.nodes.leader_device import LeaderDevice
from robot_rl.nodes.process import run_process
from robot_rl.rewards.file import chosen, make_reward
from robot_rl.teleop.leader import LeaderJoints


@dataclass(frozen=True, kw_only=True)
class Config(SessionConfig):
    """Record demonstrations on a running graph."""

    station: str = "twin"
    """Name of the station; stored with every episode."""
    policy: Path | None = None
    """Folder of a checkpoint that acts until somebody takes over."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""
    leader_topic: str = "leader/joint_states"
    """Where a leader arm's joint states come from."""
    leader_joints: tuple[str, ...] = joint_names("panda")
    """Names of the leader's joints, in the order of the Panda's."""


def main(config: Config) -> None:
    """Record; one JSON line per episode on standard output."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    task = task_of_station(config.task, config.cameras, config.station)
    reward = make_reward(config.reward, config.station, person=config.person)
    with RosRobot(cameras_of(config.cameras, reward)) as robot:
        env = RobotEnv(robot, robot.cameras, task, MonotonicClock(), reward)
        facts = {"clock": "real time", "station": config.station, "reward": chosen(config.reward, config.station)}
        with Session(config, env, facts, load(config.policy), leader(config)) as session:
            times = StepTimes(env, config.parent)
            session.collector.watch = times.measure
            if session.url:
                say({"page": session.url})

            def finished(line: dict[str, Any]) -> None:
                say({**line, **times.summary(), "loop": robot.telemetry()})
                times.restart()

            session.run(finished)


def say(line: dict[str, Any]) -> None:
    """To whoever started this."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def leader(config: Config) -> LeaderDevice | None:
    """The leader arm, if that is what the person moves."""
    if config.device != "leader":
        return None
    return LeaderDevice(panda(), LeaderJoints(joints=config.leader_joints), config.leader_topic)


def load(policy: Path | None) -> Any:  # noqa: ANN401  (a Policy; torch is loaded only for one)
    """The policy of a checkpoint."""
    if policy is None:
        return None
    from robot_rl.learner.checkpoint import load_policy

    return load_policy(policy)


if __name__ == "__main__":
    run_process("teleop", lambda: main(tyro.cli(Config)))
