"""Files that survive a power cut: whole or not there at all."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from robot_rl.core.errors import DatasetError

PIECE = 1 << 20
"""Bytes read at a time."""


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file, without waiting for the disk."""
    with open(path, "wb") as file:
        file.write(content)


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file so that a reader sees the old or the new one, and a power cut leaves one of them."""
    temporary = path.with_name(path.name + ".partial")
    write_file(temporary, content)
    sync([temporary])
    os.replace(temporary, path)
    sync([path.parent])


@contextmanager
def guard(root: Path) -> Iterator[None]:
    """Turn a disk that is full or may not be written into one line."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{root}: cannot write ({error.strerror}): free space, nothing was changed") from None


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(PIECE):
            digest.update(block)
    return digest.hexdigest()


def crc32(path: Path) -> int:
    """CRC-32 of a file."""
    value = 0
    with open(path, "rb") as file:
        while block := file.read(PIECE):
            value = zlib.crc32(block, value)
    return value


def sync(paths: Iterable[Path]) -> None:
    """Wait until files and folders are on the disk; together, so that the file system commits them in one go."""
    waiting = list(paths)
    if len(waiting) == 1:
        _sync_one(waiting[0])
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(_sync_one, waiting))


def sync_tree(folder: Path) -> None:
    """``sync`` for a folder with all that is in it."""
    sync([*folder.rglob("*"), folder])


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
