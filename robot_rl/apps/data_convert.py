"""``robot-rl data convert``: our datasets in the formats that others read, and theirs in ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.data.formats.convert import convert
from robot_rl.data.formats.export import Options


@dataclass(frozen=True, kw_only=True)
class Config(Options):
    """Convert to or from lerobot, robomimic, mcap or diffusion_policy; says what the target cannot hold."""

    source: tyro.conf.Positional[Path]
    """Our dataset, which is then exported, or a dataset in the other format, which is then imported."""
    target: tyro.conf.Positional[Path]
    """Where the result goes; nothing may be there."""
    format: str
    """The other format: lerobot, robomimic, mcap or diffusion_policy."""


def main(config: Config) -> None:
    """Convert, with a bar, and print the report."""
    with bar(f"converting {config.source}", 1) as advance:

        def show(done: int, of: int) -> None:
            advance(done / of if of else 0, f"{done} of {of} episodes" if of else f"{done} episodes")

        report = convert(config.source, config.target, config.format, config, show)
        advance(1, f"{report.episodes} episodes")
    console = Console(highlight=False)
    for line in report.lines():
        console.print(line, markup=False, soft_wrap=True)
    if not (report.lost or report.assumed or report.decibels):
        console.print("nothing was lost")
