"""``robot-rl data archive``: episodes that are seldom read become smaller, without loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.data.archive import archive, expand


@dataclass(frozen=True, kw_only=True)
class Config:
    """Compress the images of episodes without loss, or expand them again; everything reads them as before."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    episodes: tyro.conf.Positional[tuple[int, ...]] = ()
    """Numbers of the episodes; none: all."""
    expand: bool = False
    """Make them large and fast again."""


def main(config: Config) -> None:
    """Rewrite the episodes, each by one exchange of folders."""
    console = Console(highlight=False)
    work = expand if config.expand else archive
    with console.status("rewriting"):
        saving = work(config.dataset, config.episodes or None)
    verb = "expanded" if config.expand else "archived"
    sizes = f"{saving.before / 1e6:.1f} MB -> {saving.after / 1e6:.1f} MB"
    console.print(f"{saving.episodes} episodes {verb}: {sizes}")
