"""A folder takes the place of another in one step, so that a kill at any instant leaves one of them whole."""

from __future__ import annotations

import ctypes
import os
import shutil
import uuid
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def put(staging: Path, path: Path) -> None:
    """Put the folder ``staging`` where ``path`` is or will be; both are on one file system. It is on disk then."""
    for entry in [*staging.rglob("*"), staging]:
        _sync(entry)
    if not path.exists():
        os.rename(staging, path)
    elif _exchange(staging, path):
        shutil.rmtree(staging, ignore_errors=True)
    else:
        old = path.parent / f".{path.name}.old.{uuid.uuid4().hex[:8]}"
        os.rename(path, old)
        os.rename(staging, path)
        shutil.rmtree(old, ignore_errors=True)
    _sync(path.parent)


def tidy(folder: Path, name: str) -> None:
    """After a kill: bring back the folder ``name`` if it was just being replaced, remove what was half written."""
    for left in folder.glob(f".{name}.old.*"):
        if not (folder / name).exists():
            os.rename(left, folder / name)
    for left in folder.glob(f".{name}.*"):
        shutil.rmtree(left, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Linux swaps two names in one step, where C library and file system can."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return call is not None and call(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), RENAME_EXCHANGE) == 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
