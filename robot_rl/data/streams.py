"""Signals that are faster than the steps, each sample with its own stamp: joint states at 1 kHz, a wrench at 250 Hz.

While an episode is open a stream is a log of fixed-size records with a checksum each, in ``streams/<name>.log`` of the
staging folder. In an episode it is ``streams/<name>/stamp`` and ``streams/<name>/value``, two plain zarr arrays.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.spec import Feature
from robot_rl.data.digest import Accumulator, Digest
from robot_rl.data.files import guard, write_file
from robot_rl.data.layout import array_metadata, chunk_file, group_metadata, record_from_json, record_to_json

STREAMS: Final = "streams"
BLOCK: Final = 1 << 14
"""Samples that are in memory at a time."""


class StreamLogs:
    """The streams of an open episode. Any thread may add to them; it writes at once, so not the control loop."""

    def __init__(self, folder: Path) -> None:
        """Streams of the staging folder ``folder``."""
        self._folder = folder / STREAMS
        self._files: dict[str, tuple[int, NDArray[np.void]]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def add(self, name: str, stamp: float, value: ArrayLike) -> None:
        """Append a sample; the first one of a stream says what the others must look like."""
        sample = np.asarray(value)
        with self._lock, guard(self._folder):
            if self._closed:
                return
            if name not in self._files:
                self._files[name] = self._open(name, sample)
            descriptor, record = self._files[name]
            want = record["value"][0]
            if sample.shape != want.shape or sample.dtype != want.dtype:
                got = f"{sample.dtype}{sample.shape}"
                raise SpecError(f"stream {name!r} is {got}, it began as {want.dtype}{want.shape}: check its sensor")
            record["stamp"], record["value"] = stamp, sample
            data = record.view(np.uint8)
            record["crc"] = zlib.crc32(data[:-4].data)
            os.write(descriptor, data.data)

    def sync(self) -> None:
        """Wait until all samples are on the disk."""
        with self._lock:
            descriptors = [descriptor for descriptor, _ in self._files.values()]
        for descriptor in descriptors:
            os.fdatasync(descriptor)

    def close(self) -> None:
        """Close the files; later samples are ignored."""
        with self._lock:
            self._closed = True
            while self._files:
                os.close(self._files.popitem()[1][0])

    def _open(self, name: str, sample: NDArray) -> tuple[int, NDArray[np.void]]:
        if "/" in name or name.startswith(".") or sample.dtype.kind not in "biuf":
            raise SpecError(f"stream {name!r} of {sample.dtype}: give it a name without slashes, and numbers")
        self._folder.mkdir(exist_ok=True)
        value = ("value", sample.dtype.newbyteorder("<"), sample.shape)
        record = np.zeros(1, np.dtype([("stamp", "<f8"), value, ("crc", "<u4")]))
        write_file(self._folder / f"{name}.json", json.dumps(record_to_json(record.dtype)).encode())
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._folder / f"{name}.log", flags), record


def write_streams(folder: Path, group: Path, *, check: bool) -> tuple[dict[str, Any], dict[str, Digest]]:
    """Turn the logs of a staging folder into arrays of an episode.

    Returns:
        The attribute ``streams``, name -> ``rows``, ``dtype``, ``shape``; and the digests of the arrays.
    """
    logs = sorted((folder / STREAMS).glob("*.log")) if (folder / STREAMS).is_dir() else []
    about: dict[str, Any] = {}
    digests: dict[str, Digest] = {}
    for log in logs:
        rows = _whole(log, check=check)
        if len(rows):
            value = rows.dtype["value"]
            about[log.stem] = {"rows": len(rows), "dtype": value.base.name, "shape": list(value.shape)}
            digests |= write_stream(group, log.stem, rows["stamp"], rows["value"])
    return about, digests


def write_stream(group: Path, name: str, stamp: NDArray, value: NDArray) -> dict[str, Digest]:
    """Write the two arrays of a stream, piece by piece."""
    place = group / STREAMS / name
    place.mkdir(parents=True, exist_ok=True)
    for parent in (place.parent, place):
        write_file(parent / "zarr.json", group_metadata({}))
    digests = {}
    for array, rows in (("stamp", stamp), ("value", value)):
        feature = Feature(rows.shape[1:], rows.dtype.name)
        result, file = Accumulator(feature), chunk_file(place, array, feature)
        file.parent.mkdir(exist_ok=True)
        with open(file, "wb") as out:
            for start in range(0, len(rows), BLOCK):
                block = np.ascontiguousarray(rows[start : start + BLOCK])
                out.write(block.tobytes())
                result.update(block)
        write_file(file.parent / "zarr.json", array_metadata(feature, len(rows)))
        digests[f"{STREAMS}/{name}/{array}"] = result.result()
    return digests


def stream_arrays(attributes: Mapping[str, Any]) -> dict[str, Feature]:
    """Name -> feature of the arrays of all streams of an episode."""
    arrays: dict[str, Feature] = {}
    for name, about in attributes.get(STREAMS, {}).items():
        arrays[f"{STREAMS}/{name}/stamp"] = Feature((), "float64")
        arrays[f"{STREAMS}/{name}/value"] = Feature(tuple(about["shape"]), about["dtype"])
    return arrays


def read_stream(path: Path, attributes: Mapping[str, Any], name: str) -> tuple[NDArray[np.float64], NDArray]:
    """Stamps (N,) [s] and values (N, ...) of a stream, mapped from disk; ``DatasetError`` if there is none."""
    if name not in attributes.get(STREAMS, {}):
        raise DatasetError(f"{path.name} has no stream {name!r}; it has {sorted(attributes.get(STREAMS, {}))}")
    features = stream_arrays(attributes)
    stamp, value = (features[f"{STREAMS}/{name}/{array}"] for array in ("stamp", "value"))
    rows = attributes[STREAMS][name]["rows"]
    files = [chunk_file(path / STREAMS / name, array, f) for array, f in (("stamp", stamp), ("value", value))]
    try:
        stamps = np.memmap(files[0], "<f8", mode="r", shape=(rows,))
        return stamps, np.memmap(files[1], value.dtype, mode="r", shape=(rows, *value.shape))
    except (OSError, ValueError):
        raise DatasetError(f"{path}: stream {name!r} is damaged: remove its folder") from None


def _whole(log: Path, *, check: bool) -> NDArray[np.void]:
    """Samples up to the first that is not whole."""
    try:
        record = record_from_json(json.loads(log.with_suffix(".json").read_text()))
    except (OSError, ValueError, TypeError):
        return np.zeros(0, np.dtype([("stamp", "<f8"), ("value", "<f8")]))
    count = log.stat().st_size // record.itemsize
    rows = np.memmap(log, record, mode="r", shape=(count,)) if count else np.zeros(0, record)
    if not check:
        return rows
    for i, row in enumerate(rows):
        if zlib.crc32(row.tobytes()[:-4]) != row["crc"]:
            return rows[:i]
    return rows
