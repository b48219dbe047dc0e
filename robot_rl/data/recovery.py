"""What a killed recorder left: turned into episodes, and said in plain words."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from robot_rl.core.errors import DatasetError
from robot_rl.data.commit import Facts, Staged, publish, remove, scan
from robot_rl.data.derive import PREFIX
from robot_rl.data.layout import EPISODES, LOG, STAGING, Layout
from robot_rl.data.lock import lock
from robot_rl.data.versions import read_edits

LOST: Final = "lost"
"""Folder for what was left of episodes of which nothing could be read."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What became of an episode that was left open."""

    uuid: str
    path: Path | None
    """Its folder now; None when it had no step with a known result."""
    steps: int
    """Steps that were kept."""
    lost: int
    """Steps of which something had been written and that are not kept."""
    aside: Path | None = None
    """Where the files were put that could not be read."""

    def __str__(self) -> str:
        if self.aside is not None:
            return f"an open episode could not be read: {self.lost} steps lost, its files were put in {self.aside}"
        if self.path is None:
            return f"an open episode had no step with a known result: {self.lost} steps lost"
        return f"{self.path.name}: an open episode was recovered with {self.steps} steps, {self.lost} lost"


def recover_locked(root: Path, layout: Layout) -> list[Recovery]:
    """Turn every open episode into a committed one (outcome ``interrupted``), for a caller who holds the lock."""
    staging = root / STAGING
    folders = sorted(staging.iterdir(), key=lambda f: f.stat().st_mtime) if staging.exists() else ()
    try:
        done = [_recover_one(root, folder, layout) for folder in folders]
    except OSError as error:
        raise DatasetError(f"{staging}: cannot be recovered ({error.strerror}): free space, open again") from None
    return [r for r in done if r is not None]


def recover_if_free(root: Path, layout: Layout) -> tuple[list[Recovery], str]:
    """``recover_locked``, unless a recorder is at work or the disk does not allow it: then the reason in words."""
    staging = root / STAGING
    if not staging.exists() or not any(staging.iterdir()):
        return [], ""
    if not os.access(root, os.W_OK):
        return [], f"{root} holds an open episode and cannot be written to: open it with the right to write"
    try:
        with lock(root):
            return recover_locked(root, layout), ""
    except DatasetError as error:
        return [], str(error)


def highest_number(root: Path) -> int:
    """The largest number that an episode has or had; -1: none. No number is given twice."""
    names = [name.partition("-")[0].removeprefix("ep") for name in os.listdir(root / EPISODES)]
    numbers = [int(name) for name in names if name.isdigit()]
    return max([-1, *numbers, *(edit.highest for edit in read_edits(root))])


def _recover_one(root: Path, folder: Path, layout: Layout) -> Recovery | None:
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder)
        return None
    staged = scan(folder, layout, check=True)
    lost = max(0, staged.seen - (0 if staged.interrupted else 1) - staged.steps)
    if len(staged.rows) == 0 and _written(folder):
        (root / LOST).mkdir(exist_ok=True)
        aside = root / LOST / folder.name
        os.rename(folder, aside)
        return Recovery(uuid=folder.name, path=None, steps=0, lost=lost, aside=aside)
    if staged.steps == 0 and staged.seen == 0:
        remove(folder)
        return None
    path = publish(root, folder, layout, staged, _facts(root, staged, lost))
    return Recovery(uuid=folder.name, path=path, steps=staged.steps, lost=lost)


def _facts(root: Path, staged: Staged, lost: int) -> Facts:
    return Facts(highest_number(root) + 1, more={"recovered": {"steps": staged.steps, "lost": lost}})


def _written(folder: Path) -> bool:
    """A log with at least one record's bytes: there was something, even if nothing of it can be read."""
    log = folder / LOG
    return (folder / "episode.zarr").exists() and log.exists() and log.stat().st_size > 0
