"""``robot-rl data verify``: every file read again and compared with what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.data.dataset import open_dataset


@dataclass(frozen=True, kw_only=True)
class Config:
    """Compare every file with its checksum; the exit code is 1 when one differs."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""


def main(config: Config) -> int:
    """Read all of it; 1 when something is not what was recorded."""
    dataset = open_dataset(config.dataset)
    bad = dataset.verify()
    say = Console(highlight=False).print
    for path in bad:
        say(f"damaged: {path}: restore it from a copy, or remove its folder", markup=False, soft_wrap=True)
    whole = len(dataset) + len(dataset.damaged) - len(bad)
    say(f"{whole} episodes are what was recorded, {len(bad)} are not")
    return int(bool(bad))
