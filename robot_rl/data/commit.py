"""From a staging folder to an episode: what of it is whole, and the one rename that commits it."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Source
from robot_rl.core.spec import Feature
from robot_rl.data.digest import Accumulator, Digest, digest
from robot_rl.data.episode import read_rows
from robot_rl.data.files import sync, sync_tree, write_file
from robot_rl.data.layout import (
    EPISODES,
    FINAL,
    GROUP,
    LOG,
    META,
    SCHEMA,
    STEP,
    Layout,
    absent_column,
    array_metadata,
    chunk_file,
    group_metadata,
    record_from_json,
    row_bytes,
)
from robot_rl.data.ledger import ATTRIBUTE, ledger
from robot_rl.data.streams import STREAMS, write_streams

OUTCOMES: Final = ("success", "failure", "unlabeled", "interrupted", "discarded")
"""How an episode may have ended. Interrupted: its recorder died or gave up. Discarded: a person did not want it."""
BLOCK: Final = 4096
"""Log records that are in memory at a time."""
LATE: Final = 1.25
"""A step this many periods after the one before counts as late."""


@dataclass(frozen=True)
class Staged:
    """What a staging folder holds."""

    rows: NDArray[np.void]
    """Its whole log records; the last one gives the observation after the last step."""
    interrupted: bool
    """The last record is a step whose result is not known."""
    seen: int = 0
    """Rows of which anything was written, whole or not."""

    @property
    def steps(self) -> int:
        """Steps with a known result."""
        return max(0, len(self.rows) - 1)

    @property
    def outcome(self) -> str:
        """How the episode ended: success, failure, unlabeled or interrupted."""
        if self.interrupted or self.steps == 0:
            return "interrupted"
        last = self.rows[-2]
        if last["success"]:
            return "success"
        return "failure" if last["terminated"] or last["truncated"] else "unlabeled"


def scan(folder: Path, layout: Layout, *, check: bool) -> Staged:
    """Read the log of a staging folder up to the first record that is not whole; none when it was committed already.

    Args:
        folder: The staging folder.
        layout: Columns of its dataset.
        check: Compare every row with its checksum, as after a kill or a power cut.
    """
    log = folder / LOG
    renamed = not (folder / GROUP).exists()
    record = _about(folder).get("record", layout.record)
    size = 0 if renamed or not log.exists() else log.stat().st_size
    count = size // record.itemsize
    rows: NDArray[np.void] = map_records(log, record, count)
    seen = 0 if renamed else max([-(-size // record.itemsize), *_rows_begun(folder, layout)])
    rows = rows[: _whole(folder, layout, rows)] if check else rows
    interrupted = len(rows) == 0 or int(rows[-1]["kind"]) != FINAL
    return Staged(rows, interrupted, seen)


def map_records(log: Path, record: np.dtype, count: int) -> NDArray[np.void]:
    """The first ``count`` records of a log, mapped from it."""
    return np.memmap(log, record, mode="r", shape=(count,)) if count else np.zeros(0, record)  # type: ignore[return-value]


def _about(folder: Path) -> dict[str, Any]:
    """What the recorder wrote of the episode at its start: ``attributes``, and the ``record`` of its log."""
    try:
        about = json.loads((folder / META).read_text())
        return {"attributes": about["attributes"], "record": record_from_json(about["record"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _rows_begun(folder: Path, layout: Layout) -> list[int]:
    files = {chunk_file(folder / GROUP, name, f): row_bytes(f) for name, f in layout.large.items()}
    return [-(-file.stat().st_size // size) for file, size in files.items() if file.exists()]


def _whole(folder: Path, layout: Layout, rows: NDArray[np.void]) -> int:
    """Number of leading rows that are in order and agree with their checksums."""
    files = [chunk_file(folder / GROUP, name, f) for name, f in layout.large.items()]
    if not all(file.exists() for file in files):
        return 0
    sizes = [row_bytes(f) for f in layout.large.values()]
    opened = [open(file, "rb") for file in files]
    try:
        for count, row in enumerate(rows):
            crc = zlib.crc32(row.tobytes()[:-4])
            for file, size in zip(opened, sizes, strict=True):
                crc = zlib.crc32(file.read(size), crc)
            if crc != row["crc"] or row["count"] != count or row["kind"] not in (STEP, FINAL):
                return count
    finally:
        for file in opened:
            file.close()
    return len(rows)


@dataclass(frozen=True)
class Facts:
    """What a publisher knows of an episode beside its rows."""

    number: int
    digests: Mapping[str, Digest] | None = None
    """Of the large arrays, when they were made on the way; None: the files are read again."""
    more: Mapping[str, Any] | None = None
    """Further attributes."""


def publish(root: Path, folder: Path, layout: Layout, staged: Staged, facts: Facts) -> Path | None:
    """Make an episode of a staging folder: complete the zarr group, bring it to the disk, rename it into place.

    Returns:
        The episode's folder; None when there was no step with a known result, and nothing is kept.
    """
    if staged.steps == 0:
        remove(folder)
        return None
    group = folder / GROUP
    digests = _write_columns(group, layout, staged, facts.digests)
    streams, more = write_streams(folder, group, check=facts.digests is None)
    attributes = {**_attributes(folder, layout, staged), "number": facts.number, **(facts.more or {})}
    attributes |= {STREAMS: streams} if streams else {}
    write_file(group / "zarr.json", group_metadata({**attributes, **digest_attributes({**digests, **more})}))
    sync_tree(group)
    target = root / EPISODES / f"ep{facts.number:06d}-{folder.name}.zarr"
    os.rename(group, target)
    sync([target.parent])
    remove(folder)
    return target


def remove(folder: Path) -> None:
    """Delete a staging folder, its log first: whatever a kill leaves of it, recovery finds no rows in it."""
    (folder / LOG).unlink(missing_ok=True)
    shutil.rmtree(folder)


def digest_attributes(digests: Mapping[str, Digest]) -> dict[str, Any]:
    """The part of an episode's attributes that its arrays determine."""
    sums = {name: d.sha256 for name, d in digests.items()}
    return {"sha256": sums, "statistics": {name: d.statistics for name, d in digests.items()}}


def _attributes(folder: Path, layout: Layout, staged: Staged) -> dict[str, Any]:
    meta = dict(_about(folder).get("attributes", {}))
    outcome = meta.pop("outcome", None)
    return {
        "schema": SCHEMA,
        "uuid": folder.name,
        "steps": staged.steps,
        "outcome": outcome if outcome in OUTCOMES else staged.outcome,
        "created": folder.stat().st_mtime,
        "meta": meta,
        "timing": timing(staged.rows[: staged.steps], layout.spec.rate),
        ATTRIBUTE: ledger(staged.rows[: staged.steps], staged.rows.dtype.names or ()),
    }


def timing(rows: NDArray[np.void] | Mapping[str, NDArray], rate: float) -> dict[str, int | float]:
    """How many steps came late, how many are missing between them, and the longest gap [s]; a pause is no gap."""
    gaps = np.diff(rows["stamp"])
    gaps = gaps[~np.isin(rows["source"][:-1], (Source.PAUSE, Source.SAFETY))] if len(gaps) else gaps
    missing = np.maximum(0, np.rint(gaps * rate) - 1).sum()
    return {"late": int((gaps * rate > LATE).sum()), "missing": int(missing), "gap": float(gaps.max(initial=0.0))}


def _write_columns(
    group: Path, layout: Layout, staged: Staged, digests: Mapping[str, Digest] | None
) -> dict[str, Digest]:
    """Write the arrays that came through the log, cut the streamed ones to length."""
    done: dict[str, Digest] = {}
    for name, feature in layout.arrays.items():
        rows = layout.rows(name, staged.steps)
        file = chunk_file(group, name, feature)
        file.parent.mkdir(exist_ok=True)
        write_file(file.parent / "zarr.json", array_metadata(feature, rows))
        if name not in layout.large:
            done[name] = _write_column(file, name, feature, staged.rows[:rows])
            continue
        os.truncate(file, rows * row_bytes(feature))
        done[name] = digests[name] if digests else digest(feature, read_rows(group, name, feature, rows))
    return done


def _write_column(file: Path, name: str, feature: Feature, rows: NDArray[np.void]) -> Digest:
    result = Accumulator(feature)
    with open(file, "wb") as out:
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            if name in (block.dtype.names or ()):
                column = np.ascontiguousarray(block[name])
            else:
                column = absent_column(name, feature, len(block), block["proposal"])
            out.write(column.tobytes())
            result.update(column)
    return result.result()
