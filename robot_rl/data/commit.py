"""From a staging folder to an episode: what of it is whole, and the one rename that commits it."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.data.layout import (
    EPISODES,
    FINAL,
    GROUP,
    LOG,
    META,
    SCHEMA,
    STEP,
    Layout,
    array_metadata,
    checksum,
    chunk_file,
    group_metadata,
    row_bytes,
    sync,
    write_file,
)


@dataclass(frozen=True)
class Staged:
    """What a staging folder holds."""

    rows: NDArray[np.void]
    """Its whole log records; the last one gives the observation after the last step."""
    interrupted: bool
    """The last record is a step whose result is not known."""

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
    content = b"" if renamed or not log.exists() else log.read_bytes()
    size = layout.record.itemsize
    rows = np.frombuffer(content, layout.record, count=len(content) // size)
    rows = rows[: _whole(folder, layout, rows)] if check else rows
    interrupted = len(rows) == 0 or int(rows[-1]["kind"]) != FINAL
    return Staged(rows, interrupted)


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


def publish(root: Path, folder: Path, layout: Layout, staged: Staged, number: int) -> Path | None:
    """Make an episode of a staging folder: complete the zarr group, bring it to the disk, rename it into place.

    Returns:
        The episode's folder; None when there was no step with a known result, and nothing is kept.
    """
    if staged.steps == 0:
        remove(folder)
        return None
    group = folder / GROUP
    written = _write_columns(group, layout, staged)
    attributes = {**_attributes(folder, staged, number), "crc32": checksums(group, layout)}
    write_file(group / "zarr.json", group_metadata(attributes))
    sync([*written, group / "zarr.json", group])
    target = root / EPISODES / f"ep{number:06d}-{folder.name}.zarr"
    os.rename(group, target)
    sync([target.parent])
    remove(folder)
    return target


def remove(folder: Path) -> None:
    """Delete a staging folder, its log first: whatever a kill leaves of it, recovery finds no rows in it."""
    (folder / LOG).unlink(missing_ok=True)
    shutil.rmtree(folder)


def checksums(group: Path, layout: Layout) -> dict[str, int]:
    """CRC-32 of the file of every array of an episode."""
    arrays = {**layout.spec.observation, **layout.step_columns}
    files = [chunk_file(group, name, feature) for name, feature in arrays.items()]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(arrays, pool.map(checksum, files), strict=True))


def _attributes(folder: Path, staged: Staged, number: int) -> dict[str, Any]:
    try:
        meta = json.loads((folder / META).read_text())["attributes"]
    except (OSError, ValueError, KeyError):
        meta = {}
    return {
        "schema": SCHEMA,
        "uuid": folder.name,
        "number": number,
        "steps": staged.steps,
        "outcome": staged.outcome,
        "created": folder.stat().st_mtime,
        "meta": meta,
    }


def _write_columns(group: Path, layout: Layout, staged: Staged) -> list[Path]:
    """Write the arrays that came through the log, cut the streamed ones to length; returns what must be synced."""
    steps, written = staged.steps, []
    for name, feature in {**layout.spec.observation, **layout.step_columns}.items():
        rows = steps + 1 if name in layout.spec.observation else steps
        file = chunk_file(group, name, feature)
        file.parent.mkdir(exist_ok=True)
        if name in layout.large:
            os.truncate(file, rows * row_bytes(feature))
        else:
            write_file(file, np.ascontiguousarray(staged.rows[name][:rows]).tobytes())
        write_file(file.parent / "zarr.json", array_metadata(feature, rows))
        written += [file, file.parent / "zarr.json", file.parent]
    return written
