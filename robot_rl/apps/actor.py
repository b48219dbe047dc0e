"""``robot-rl actor``: act on an arm, send what happens to a learner, adopt its newest weights."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console

from robot_rl.actor.duty import Duty, Hear, act, in_real_time
from robot_rl.apps.evaluate import task_of
from robot_rl.apps.graph import flags, graph_of, learn_on_graph, say_page
from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConnectionLostError
from robot_rl.core.station import load_station
from robot_rl.envs.seen import task_of_policy
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner import start
from robot_rl.nodes.readiness import Need, look_with, require
from robot_rl.rewards.file import make_reward
from robot_rl.transport.access import Credentials


@dataclass(frozen=True, kw_only=True)
class Config(Duty):
    """Act for a learner. What is not yet on the learner's disk stays in the spool, whoever is killed."""

    learner: tyro.conf.Positional[Path]
    """The learner's folder, or a copy of it on this machine: holds ``start``, the policy to begin with."""
    ros: bool = False
    """On the ROS 2 graph of the station, in real time, instead of the twin in this process."""


def main(config: Config) -> None:
    """Act until the learner has enough, or Ctrl-C."""
    torch.set_num_threads(1)
    check(config)
    begin, address = find(config)
    done = (on_graph if config.ros else on_twin)(replace(config, address=address), begin)
    kept = "" if done["delivered"] else f"; what the learner has not yet is in {config.spool}"
    Console(highlight=False).print(f"{done['steps']} steps in {done['episodes']} episodes{kept}")


def check(config: Config) -> None:
    """What can be wrong before the learner is looked for."""
    if config.credentials:
        Credentials.load(config.credentials)
    if config.ros:
        load_station(config.station or "twin")
        make_reward(config.reward, config.station or "twin", person=config.person.person)


def on_twin(config: Config, begin: Path) -> dict[str, Any]:
    """In this process: as fast as it goes, with a person in real time."""
    policy, stored = start.load(begin)
    person = config.person.person
    reward = make_reward(config.reward, config.station, person=person)
    task = task_of_policy(task_of(begin), policy.recipe.spec, config.station)
    env = make_twin_env(task, guarded=bool(config.person.device), paced=person, reward=reward)
    with listener(config) as hear:
        done = act(env, policy, stored, in_real_time(config) if person else config, hear)
    env.close()
    return vars(done)


def on_graph(config: Config, begin: Path) -> dict[str, Any]:
    """On the station's graph, which is started for it."""
    station, task = config.station or "twin", task_of(begin)
    need = Need(task=task, spec=start.load(begin)[0].recipe.spec)
    require(look_with(load_station(station), need), station)
    duty = flags(config, ("learner", "ros", "station", "person", "run"))
    wanted = ["--begin", str(begin), "--task", task, "--station", station, *duty]
    with graph_of(station, task) as graph, listener(config) as hear:
        return learn_on_graph(graph, [*wanted, *flags(config.person), *flags(config.run)], hear)


@contextmanager
def listener(config: Config) -> Iterator[Hear]:
    """Shows a person's page, and a bar that every episode moves on."""
    title = f"{'examining' if config.run.evaluate else 'acting'} for the learner at {config.address}"
    won: list[bool] = []
    with bar(title, config.run.max_steps or float("inf")) as advance:

        def hear(line: Mapping[str, Any]) -> None:
            if "page" in line:
                say_page(line["page"])
                return
            won.append(line["success"])
            alarm = f"; REWARD: {line['alarm']}" if line["alarm"] else ""
            recent = f"{sum(won[-50:])} of 50 succeeded{alarm}"
            advance(line["total"], f"episode {len(won)}, weights {line['weights']}, {recent}")

        yield hear


def find(config: Config) -> tuple[Path, str]:
    """The checkpoint to begin with, and where the learner listens; ``ConnectionLostError`` when it does not appear."""
    begin, address_file = config.learner / "start", config.learner / "address"
    deadline = time.monotonic() + config.run.connect_timeout
    while not (begin.is_dir() and (config.address or address_file.is_file())):
        if time.monotonic() > deadline:
            raise ConnectionLostError(f"no learner is at work in {config.learner}: start robot-rl learner first")
        time.sleep(0.1)
    return begin, config.address or address_file.read_text().strip()
