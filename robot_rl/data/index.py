"""``index.sqlite``: the attributes of all episodes in one file, so that a thousand of them open at once.

It is a cache. Each row names the file that it was read from by inode, time and size; a row that does not fit is read
again from its episode, a file that cannot be used is made anew, and without it everything works, only slower.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robot_rl.data.layout import EPISODES

INDEX: Final = "index.sqlite"
VERSION: Final = 2
"""Of its tables; an index with another one is made anew."""
TABLES: Final = """
CREATE TABLE IF NOT EXISTS episodes (
    name TEXT PRIMARY KEY, inode INTEGER, changed INTEGER, size INTEGER, attributes TEXT, statistics TEXT
);
CREATE TABLE IF NOT EXISTS totals (feature TEXT PRIMARY KEY, keys BLOB, counts BLOB, summary TEXT);
CREATE TABLE IF NOT EXISTS counted (name TEXT PRIMARY KEY);
"""
PATIENCE: Final = 2.0
"""Longest wait for another process that writes the index [s]."""
Stat = tuple[int, int, int]


@dataclass(frozen=True)
class Listing:
    """What lies in ``episodes/``."""

    entries: tuple[Mapping[str, Any], ...]
    """Attributes of the episodes in the order of their names; ``path`` is added, ``statistics`` are left out."""
    damaged: tuple[Path, ...]
    """Folders among them that are not episodes."""


@contextlib.contextmanager
def connect(root: Path) -> Iterator[sqlite3.Connection]:
    """The index, made when there is none; ``sqlite3.Error`` when it cannot be used."""
    connection = sqlite3.connect(root / INDEX, timeout=PATIENCE)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            _make(connection)
        with connection:
            yield connection
    finally:
        connection.close()


def list_episodes(root: Path) -> Listing:
    """Look at every episode; files are read only where the index does not know them, and it learns them."""
    present = _stats(root / EPISODES)
    known = _known(root)
    entries, damaged, fresh = [], [], []
    for name, stat in present.items():
        path = root / EPISODES / name
        row = known.get(name)
        if row is not None and row[0] == stat:
            entries.append({**json.loads(row[1]), "path": path})
            continue
        try:
            attributes = _read(path)
        except (OSError, ValueError, KeyError, TypeError):
            damaged.append(path)
            continue
        statistics = attributes.pop("statistics", {})
        fresh.append((name, *(stat or (0, 0, 0)), json.dumps(attributes), json.dumps(statistics)))
        entries.append({**attributes, "path": path})
    if fresh or known.keys() - present.keys():
        _learn(root, fresh, known.keys() - present.keys())
    return Listing(tuple(entries), tuple(damaged))


def _read(path: Path) -> dict[str, Any]:
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    return {**attributes, "steps": int(attributes["steps"]), "number": int(attributes["number"])}


def read_attributes(path: Path) -> dict[str, Any]:
    """What an episode says of itself; nothing when it cannot be read."""
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _stats(folder: Path) -> dict[str, Stat | None]:
    found: dict[str, Stat | None] = {}
    for name in sorted(os.listdir(folder)):
        try:
            stat = os.stat(folder / name / "zarr.json")
            found[name] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except OSError:
            found[name] = None
    return found


def _known(root: Path) -> dict[str, tuple[Stat, str]]:
    if not (root / INDEX).exists():
        return {}
    try:
        with connect(root) as index:
            rows = index.execute("SELECT name, inode, changed, size, attributes FROM episodes").fetchall()
    except sqlite3.OperationalError:
        return {}
    except sqlite3.Error:
        _discard(root)
        return {}
    return {name: ((inode, changed, size), attributes) for name, inode, changed, size, attributes in rows}


def _learn(root: Path, fresh: list[tuple[Any, ...]], gone: set[str]) -> None:
    with contextlib.suppress(sqlite3.Error), connect(root) as index:
        index.executemany("INSERT OR REPLACE INTO episodes VALUES (?, ?, ?, ?, ?, ?)", fresh)
        index.executemany("DELETE FROM episodes WHERE name = ?", [(name,) for name in gone])


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    for table in ("episodes", "totals", "counted"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.executescript(f"{TABLES} PRAGMA user_version = {VERSION};")


def _discard(root: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            (root / (INDEX + suffix)).unlink()
