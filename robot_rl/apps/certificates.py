"""``robot-rl certificates``: what learner and actors of different machines prove to each other who they are by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.transport.certificates import OWN, make


@dataclass(frozen=True, kw_only=True)
class Config:
    """Make certificates. Run it again to add actors or to renew; the authority in the folder is used again."""

    folder: tyro.conf.Positional[Path]
    """Where they appear, one folder for the learner and one per actor; only their owner can read them."""
    hosts: tuple[str, ...] = ()
    """Names and addresses by which actors reach the learner; this machine's own are added."""
    actors: tuple[str, ...] = ()
    """Names of actors; each gets a certificate of its own."""
    token: bool = False
    """Give all actors one token instead."""
    days: int = 365
    """How long certificates are good."""


def main(config: Config) -> None:
    """Make them and say which folder goes where."""
    learner, *actors = make(config.folder, config.hosts, config.actors, config.days, token=config.token)
    say = Console(highlight=False, soft_wrap=True).print
    say(f"robot-rl learner ... --bind 0.0.0.0:50051 --credentials {learner}")
    for actor in actors:
        say(f"robot-rl actor ... --address HOST:50051 --credentials {actor}    (copy that folder to the actor)")
    say(f"{config.folder / OWN} makes more of them: keep it to yourself")
