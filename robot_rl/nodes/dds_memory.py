"""Removes shared memory that killed ROS nodes left behind. Fast DDS locks the files of the living; we take the rest."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

FOLDER = Path("/dev/shm")
PREFIXES = ("fastrtps_", "fastdds_")
LOCKS = ("_el", "_sl")
YOUNG = 1.0
"""A younger file may belong to a node that has not locked it yet [s]."""


def remove_dead_segments() -> list[str]:
    """Delete the segments and ports of this user whose lock nobody holds; returns their names."""
    removed = []
    names = {p.name for p in FOLDER.iterdir() if p.name.startswith(PREFIXES)} if FOLDER.is_dir() else set()
    for base in sorted({_base(name) for name in names}):
        family = [FOLDER / name for name in (base, *(base + lock for lock in LOCKS), f"sem.{base}_mutex")]
        present = [path for path in family if path.exists()]
        if all(_ours(path) for path in present) and not any(_locked(FOLDER / (base + lock)) for lock in LOCKS):
            for path in present:
                path.unlink(missing_ok=True)
            removed.append(base)
    return removed


def _base(name: str) -> str:
    return name[:-3] if name.endswith(LOCKS) else name


def _ours(path: Path) -> bool:
    try:
        info = path.stat()
    except FileNotFoundError:
        return True
    return info.st_uid == os.getuid() and time.time() - info.st_mtime >= 0.9 * YOUNG


def _locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
