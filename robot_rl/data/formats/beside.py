"""Writes a file or folder beside its place and moves it there when it is whole: a kill leaves no half of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robot_rl.core.errors import DatasetError
from robot_rl.data.files import sync

PREFIX = ".converting-"
"""Of the name of the folder that holds what is not whole yet; the next conversion to the same place removes it."""


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """The place to write to; on leaving without an error it is brought to the disk and renamed to ``target``."""
    target = target.absolute()
    if target.exists():
        raise DatasetError(f"{target} exists already: choose another place, or remove it")
    work = target.parent / (PREFIX + target.name)
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = open(work / "lock", "wb")
    except OSError as error:
        raise DatasetError(f"{target.parent}: cannot write ({error.strerror}): choose another folder") from None
    with lock:
        _take(lock.fileno(), target)
        shutil.rmtree(work / "whole", ignore_errors=True)
        (work / "whole").unlink(missing_ok=True)
        try:
            yield work / "whole"
            sync(_all(work / "whole"))
            os.rename(work / "whole", target)
            sync([target.parent])
        except OSError as error:
            raise DatasetError(f"{target}: cannot write ({error.strerror}): free space, convert again") from None
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _take(descriptor: int, target: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise DatasetError(f"{target} is being written by another conversion: wait for it") from None


def _all(path: Path) -> list[Path]:
    return [path, *path.rglob("*")] if path.is_dir() else [path]
