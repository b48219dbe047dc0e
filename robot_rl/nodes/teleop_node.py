"""Demonstrations on the graph: a person's device or the scripted expert moves the arm, every step is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from robot_rl.actor.session import Session, SessionConfig
from robot_rl.envs.seen import task_of_station
from robot_rl.nodes.episodes import StepTimes, on_arm
from robot_rl.nodes.leader_device import JOINTS, TOPIC, leader_of
from robot_rl.nodes.process import end_with, run_process, say
from robot_rl.rewards.file import chosen, make_reward


@dataclass(frozen=True, kw_only=True)
class Config(SessionConfig):
    """Record demonstrations on a running graph."""

    station: str = "twin"
    """Name of the station; stored with every episode."""
    policy: Path | None = None
    """Folder of a checkpoint that acts until somebody takes over."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""
    leader_topic: str = TOPIC
    """Where a leader arm's joint states come from."""
    leader_joints: tuple[str, ...] = JOINTS
    """Names of the leader's joints, in the order of the Panda's."""


def main(config: Config) -> None:
    """Record; one JSON line per episode on standard output."""
    end_with(config.parent)
    task = task_of_station(config.task, config.cameras, config.station)
    reward = make_reward(config.reward, config.station, person=config.person)
    with on_arm(task, reward) as (robot, env):
        facts = {"clock": "real time", "station": config.station, "reward": chosen(config.reward, config.station)}
        leader = leader_of(config.device, config.leader_topic, config.leader_joints)
        with Session(config, env, facts, load(config.policy), leader) as session:
            times = StepTimes(env)
            session.collector.watch = times.measure
            if session.url:
                say({"page": session.url})

            def finished(line: dict[str, Any]) -> None:
                say({**line, **times.summary(), "loop": robot.telemetry()})
                times.restart()

            session.run(finished)


def load(policy: Path | None) -> Any:  # noqa: ANN401  (a Policy; torch is loaded only for one)
    """The policy of a checkpoint."""
    if policy is None:
        return None
    from robot_rl.learner.checkpoint import load_policy

    return load_policy(policy)


if __name__ == "__main__":
    run_process("teleop", lambda: main(tyro.cli(Config)))
