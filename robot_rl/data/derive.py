"""Episodes made from others: cut, or with other rewards, or from another dataset. What is equal is shared on disk."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.spec import Feature
from robot_rl.data.commit import digest_attributes, timing
from robot_rl.data.digest import Accumulator, Digest
from robot_rl.data.episode import read_column
from robot_rl.data.files import PIECE, sync, sync_tree, write_file
from robot_rl.data.layout import EPISODES, STAGING, Layout, array_metadata, chunk_file, group_metadata, row_bytes
from robot_rl.data.ledger import ATTRIBUTE, COLUMNS, ledger
from robot_rl.data.streams import STREAMS, read_stream, stream_arrays, write_stream

DERIVED: Final = ("sha256", "crc32", "statistics", "archived", "recovered", STREAMS)
"""Attributes that are not passed on."""
PREFIX: Final = "edit-"
"""Of folders in the staging folder that hold no recording; whoever takes the lock removes them."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the new episode is."""

    number: int
    start: int = 0
    """First step."""
    stop: int | None = None
    """Step after the last; None: up to the end."""
    replaced: Mapping[str, NDArray] = field(default_factory=dict)
    """Arrays with other values."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """``outcome`` and ``meta``."""


def derive(root: Path, entry: Mapping[str, Any], layout: Layout, recipe: Recipe) -> str:
    """Make an episode that no edit has made part of the dataset yet; returns its uuid."""
    name = str(uuid.uuid4())
    group = root / STAGING / f"{PREFIX}{name}"
    group.mkdir(parents=True)
    stop = int(entry["steps"]) if recipe.stop is None else recipe.stop
    whole = (recipe.start, stop) == (0, int(entry["steps"]))
    old = json.loads((entry["path"] / "zarr.json").read_text())["attributes"]
    digests: dict[str, Digest] = {}
    for array in layout.arrays:
        if whole and array not in recipe.replaced and array in old.get("sha256", {}):
            share(entry["path"] / array, group / array)
            digests[array] = Digest(old["sha256"][array], old["statistics"][array])
            continue
        rows = recipe.replaced[array] if array in recipe.replaced else read_column(entry, array, layout)
        kept = range(recipe.start, recipe.start + layout.rows(array, stop - recipe.start))
        digests[array] = write_rows(group, array, layout.arrays[array], rows, kept)
    stamp = read_column(entry, "stamp", layout)
    span = None if whole else (float(stamp[recipe.start]), float(stamp[stop]) if stop < len(stamp) else np.inf)
    streams, more = _streams(group, entry, old, span)
    stamps = {k: read_column(entry, k, layout)[recipe.start : stop] for k in ("stamp", "source")}
    told = {k: read_column(entry, k, layout)[recipe.start : stop] for k in COLUMNS}
    attributes = {
        **{key: value for key, value in old.items() if key not in DERIVED},
        **{key: entry[key] for key in ("outcome", "meta")},
        **recipe.labels,
        **{"uuid": name, "number": recipe.number, "steps": stop - recipe.start, "edit": True},
        **{"parent": entry["uuid"], "origin": old.get("origin", entry["uuid"])},
        "timing": timing(stamps, layout.spec.rate),
        ATTRIBUTE: ledger(told, COLUMNS),
        **({"archived": old["archived"]} if whole and "archived" in old else {}),
        "cut": [recipe.start, stop] if not whole else old.get("cut"),
    }
    attributes |= {STREAMS: streams} if streams else {}
    write_file(group / "zarr.json", group_metadata({**attributes, **digest_attributes({**digests, **more})}))
    publish_group(root, group, recipe.number, name)
    return name


def publish_group(root: Path, group: Path, number: int, name: str) -> None:
    """Bring a complete group to the disk and rename it into place."""
    sync_tree(group)
    os.rename(group, root / EPISODES / f"ep{number:06d}-{name}.zarr")
    sync([root / EPISODES])


def discard_group(root: Path, group: Path) -> None:
    """Delete an episode's files; a kill on the way leaves nothing that looks like an episode."""
    (root / STAGING).mkdir(exist_ok=True)
    aside = root / STAGING / f"{PREFIX}{uuid.uuid4()}"
    os.rename(group, aside)
    shutil.rmtree(aside)


def share(source: Path, target: Path) -> None:
    """A folder once more, with the same files where the file system can, else with copies."""
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        shutil.copy2(source, target)


def _streams(
    group: Path, entry: Mapping[str, Any], old: Mapping[str, Any], span: tuple[float, float] | None
) -> tuple[dict[str, Any], dict[str, Digest]]:
    """The streams of an episode once more, all of them or the samples within ``span`` [s]."""
    about: dict[str, Any] = {}
    digests: dict[str, Digest] = {}
    if not old.get(STREAMS):
        return about, digests
    if span is None:
        share(entry["path"] / STREAMS, group / STREAMS)
        names = stream_arrays(old)
        return old[STREAMS], {name: Digest(old["sha256"][name], old["statistics"][name]) for name in names}
    for name in old[STREAMS]:
        stamp, value = read_stream(entry["path"], old, name)
        first, last = np.searchsorted(stamp, span)
        if last > first:
            about[name] = {**old[STREAMS][name], "rows": int(last - first)}
            digests |= write_stream(group, name, stamp[first:last], value[first:last])
    return about, digests


def write_rows(group: Path, name: str, feature: Feature, rows: NDArray, kept: range) -> Digest:
    """Write the rows ``kept`` of an array as one raw chunk, piece by piece."""
    file, result = chunk_file(group, name, feature), Accumulator(feature)
    file.parent.mkdir()
    step = max(1, PIECE // max(1, row_bytes(feature)))
    with open(file, "wb") as out:
        for start in range(kept.start, kept.stop, step):
            block = np.ascontiguousarray(rows[start : min(start + step, kept.stop)], feature.dtype)
            out.write(block.reshape(-1).view(np.uint8).data)
            result.update(block)
    write_file(file.parent / "zarr.json", array_metadata(feature, len(kept)))
    return result.result()
