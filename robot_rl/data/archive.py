"""Makes episodes smaller that are seldom read, and large again; what they hold, their names and versions stay."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robot_rl.core.errors import DatasetError
from robot_rl.data import dataset
from robot_rl.data.derive import PREFIX, share, write_rows
from robot_rl.data.episode import read_column
from robot_rl.data.files import guard, sha256, sync, sync_tree, write_file
from robot_rl.data.layout import EPISODES, STAGING, Layout, chunk_file, group_metadata
from robot_rl.data.lock import lock
from robot_rl.data.recovery import recover_locked
from robot_rl.data.shards import shard

EXCHANGE: Final = 2
"""Flag of ``renameat2``: both names change places in one step."""
HERE: Final = -100
"""Paths of ``renameat2`` are relative to the working folder."""
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Saving:
    """What compressing or expanding episodes came to."""

    episodes: int
    before: int
    """Size of their large arrays [B]."""
    after: int
    """Size of their large arrays [B]."""


def archive(root: Path, numbers: Iterable[int] | None = None) -> Saving:
    """Compress the large arrays of episodes without loss; None: of all. Takes the dataset's lock.

    ``Dataset`` reads them as before, only slower; every zarr v3 reader does too.
    """
    return _convert(root, numbers, wanted=True)


def expand(root: Path, numbers: Iterable[int] | None = None) -> Saving:
    """Undo ``archive``: files that can be mapped into memory again, byte for byte what they were."""
    return _convert(root, numbers, wanted=False)


def _convert(root: Path, numbers: Iterable[int] | None, *, wanted: bool) -> Saving:
    layout = Layout(dataset.open_spec(root))
    with lock(root):
        recover_locked(root, layout)
        entries = dataset.open_dataset(root).index
        chosen = set(numbers) if numbers is not None else {entry["number"] for entry in entries}
        missing = chosen - {entry["number"] for entry in entries}
        if missing:
            raise DatasetError(f"{root} has no episode {min(missing)}: look at 'robot-rl data info'")
        todo = [e for e in entries if e["number"] in chosen and bool(e.get("archived")) != wanted]
        before = sum(_size(entry["path"], layout) for entry in todo)
        for entry in todo:
            with guard(root):
                _rewrite(root, entry, layout, _compress if wanted else _write_raw)
        return Saving(len(todo), before, sum(_size(entry["path"], layout) for entry in todo))


def _size(path: Path, layout: Layout) -> int:
    return sum(chunk_file(path, name, feature).stat().st_size for name, feature in layout.large.items())


Writer = Callable[[Path, str, Attributes, Layout], str]


def _rewrite(root: Path, entry: Attributes, layout: Layout, write: Writer) -> None:
    """A second folder with the same episode, which changes places with the first when it is on the disk."""
    path = entry["path"]
    group = root / STAGING / f"{PREFIX}{entry['uuid']}"
    shutil.rmtree(group, ignore_errors=True)
    group.mkdir(parents=True)
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    sums = dict(attributes["sha256"])
    for array in path.iterdir():
        if array.name in layout.large:
            sums[array.name] = write(group, array.name, entry, layout)
        elif array.is_dir():
            share(array, group / array.name)
    archived = {"archived": {name: attributes["sha256"][name] for name in layout.large}} if write is _compress else {}
    kept = {key: value for key, value in attributes.items() if key != "archived"}
    write_file(group / "zarr.json", group_metadata({**kept, "sha256": sums, **archived}))
    sync_tree(group)
    _exchange(group, path)
    sync([root / EPISODES])
    shutil.rmtree(group)


def _compress(group: Path, name: str, entry: Attributes, layout: Layout) -> str:
    feature = layout.arrays[name]
    file = chunk_file(group, name, feature)
    file.parent.mkdir()
    made = shard(feature, read_column(entry, name, layout))
    with open(file, "wb") as out:
        for piece in made.pieces:
            out.write(piece)
    write_file(file.parent / "zarr.json", made.metadata)
    return sha256(file)


def _write_raw(group: Path, name: str, entry: Attributes, layout: Layout) -> str:
    rows = read_column(entry, name, layout)
    made = write_rows(group, name, layout.arrays[name], rows, range(len(rows))).sha256
    if made != entry["archived"][name]:
        raise DatasetError(f"{entry['path']}: {name} is not what was archived: the episode is damaged")
    return made


def _exchange(first: Path, second: Path) -> None:
    """Let two folders change places in one step."""
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    if renameat2(HERE, os.fsencode(first), HERE, os.fsencode(second), EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{os.strerror(code)}; its file system cannot exchange two folders")
