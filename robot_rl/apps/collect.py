"""``robot-rl collect``: demonstrations of a task into a dataset, from the twin or through the ROS 2 graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from robot_rl.actor.collection import resume
from robot_rl.actor.session import Session, SessionConfig
from robot_rl.apps.graph import flags, run_on_graph
from robot_rl.apps.progress import bar
from robot_rl.core.protocols import Policy
from robot_rl.core.station import load_station
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.seen import task_of_station
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.checkpoint import load_policy
from robot_rl.nodes.readiness import Need, look_with, require
from robot_rl.rewards.file import chosen, make_reward


@dataclass(frozen=True, kw_only=True)
class Config(SessionConfig):
    """Record demonstrations by a person or by the scripted expert; stop at any time, and go on later."""

    policy: Path | None = None
    """Folder of a checkpoint that acts until somebody takes over; none: demonstrations only."""
    ros: bool = False
    """Through the ROS 2 graph in real time, instead of the twin in this process."""
    station: str = "twin"
    """Station file or name: its graph for ``--ros``, and what it shows of its cameras."""


def main(config: Config) -> None:
    """Record, with a bar and a page."""
    say = Console(highlight=False).print
    last = on_graph(config) if config.ros else on_twin(config)
    kept = f"{last['good']} good demonstrations and {last['failures']} failures are in {config.out}"
    say(f"{kept}; {last['tries']} episodes in this session, {last['discarded']} of them discarded", soft_wrap=True)


def on_graph(config: Config) -> dict[str, Any]:
    """Episodes on the ROS 2 graph in real time; what the last line of the node says."""
    need = Need.of(config.task, config.cameras)
    require(look_with(load_station(config.station), need), config.station)
    title = f"demonstrations of {config.task} on the ROS 2 graph in real time"
    wanted = flags(config, ("task", "ros"))
    lines = run_on_graph(config.station, config.task, "robot_rl.nodes.teleop_node", wanted, title)
    return lines[-1] if lines else vars(resume(config.out, config.task, config.seed))


def on_twin(config: Config) -> dict[str, Any]:
    """Episodes on the twin in this process: in real time for a person, else as fast as it goes."""
    policy = None if config.policy is None else load_policy(config.policy)
    person, reward = config.person, make_reward(config.reward, config.station, person=config.person)
    task = task_of_station(config.task, config.cameras, config.station)
    env = make_twin_env(task, guarded=person, paced=person, reward=reward)
    facts = {"clock": "paced" if config.person else "lockstep", "station": config.station}
    facts["reward"] = chosen(config.reward, config.station)
    title = f"demonstrations of {config.task} in {'real time' if config.person else 'lockstep'}"
    last: dict[str, Any] = {}
    with session(config, env, policy, facts) as running:
        if running.url:
            Console(stderr=True, highlight=False).print(f"operator's page: {running.url}", soft_wrap=True)
        last |= vars(running.tally)
        with bar(title, config.episodes) as advance:

            def take(line: dict[str, Any]) -> None:
                last.update(line)
                alarm = f"; REWARD: {reward.alarm}" if reward is not None and reward.alarm else ""
                advance(line["good"], f"{line['tries']} episodes, {line['discarded']} discarded{alarm}")

            last |= vars(running.run(take))
    env.close()
    return last


def session(config: Config, env: RobotEnv, policy: Policy | None, facts: dict[str, str]) -> Session:
    """In lockstep the only time is the twin's."""
    return (
        Session(config, env, facts, policy)
        if config.person
        else Session(config, env, facts, policy, None, env.clock.now)
    )
