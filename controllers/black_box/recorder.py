"""The black box's file: made in shared memory, read by anyone, dumped to disk when the arm changes its mode."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from controllers.black_box.ring import COMMANDS, EVENT, EVENTS, MOMENT, NOTE, ROWS, SNAPSHOT_TICKS, SNAPSHOTS, row_dtype
from controllers.guard.collision import Shape
from controllers.guard.record import Box, guard_dtype
from controllers.law.state import command_dtype, config_dtype, state_dtype
from robot_rl.core.errors import ConfigError

MAGIC = b"robot-rl black box 1\n"
HEAD = 4096
EVENT_ROWS, COMMAND_ROWS = 1024, 4096
SPARE = 200
"""Oldest ticks that a copy leaves out, because the loop may be writing over them."""


def _layout(n: int, ticks: int) -> list[tuple[str, np.dtype, int]]:
    shots = ticks // SNAPSHOT_TICKS + 64 if ticks else 0
    events, commands = (EVENT_ROWS, COMMAND_ROWS) if ticks else (0, 0)
    return [
        ("counts", np.dtype("i8"), 4),
        ("rows", row_dtype(n), ticks),
        ("events", EVENT, events),
        ("commands", command_dtype(), commands),
        ("notes", NOTE, commands),
        ("moments", MOMENT, shots),
        ("configs", config_dtype(n), shots),
        ("states", state_dtype(n), shots),
        ("guards", guard_dtype(n), shots),
    ]


def _box(n: int, ticks: int, make: Callable[[np.dtype, int], np.ndarray]) -> Box:
    return Box(**{name: make(dtype, count) for name, dtype, count in _layout(n, ticks)})


def rig_path(box: Path) -> Path:
    """The file beside a box: what a replay needs and the box has not (``salvage``)."""
    return box.with_name(f"{box.name}.rig")


def no_box(n: int) -> Box:
    """A box for ``n`` joints that keeps nothing."""
    return _box(n, 0, lambda dtype, count: np.zeros(count, dtype))


class Recorder:
    """A black box in a file.

    Args:
        path: The file; it belongs in ``/dev/shm``, so that writing costs no disk and survives the process.
        n: Number of joints.
        ticks: How many ticks it keeps.
        create: Make it anew; else open what another process made.
    """

    def __init__(self, path: Path, n: int, ticks: int = 60_000, *, create: bool = True) -> None:
        self.path, self.n, self.ticks = path, n, ticks
        size = HEAD + sum(dtype.itemsize * count + 64 for _, dtype, count in _layout(n, ticks))
        if create:
            self._create(size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._place = HEAD
        self.box = _box(n, ticks, self._next)
        self.dumped = np.zeros(4, np.int64)
        """The counts at the last dump."""

    def _create(self, size: int) -> None:
        self.path.unlink(missing_ok=True)
        with self.path.open("xb") as file:
            self.path.chmod(0o600)
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError:
                self.path.unlink(missing_ok=True)
                raise ConfigError(
                    f"no room for a black box of {size >> 20} MiB in {self.path.parent}: keep fewer seconds"
                ) from None
            file.write(MAGIC + json.dumps({"n": self.n, "ticks": self.ticks}).encode())

    @classmethod
    def attach(cls, path: Path) -> Recorder:
        """Open the box that another process writes, or left behind."""
        with path.open("rb") as file:
            head = file.read(HEAD)
        if not head.startswith(MAGIC):
            raise ConfigError(f"{path} is no black box: give the file that the arm process made")
        info = json.loads(head[len(MAGIC) :].rstrip(b"\0"))
        return cls(path, int(info["n"]), int(info["ticks"]), create=False)

    def _next(self, dtype: np.dtype, count: int) -> np.ndarray:
        array = np.frombuffer(self._map, dtype, count, self._place)
        self._place += -(-array.nbytes // 64) * 64
        return array

    def unlink(self) -> None:
        """Remove the file, and the one beside it; who has it open keeps it."""
        self.path.unlink(missing_ok=True)
        rig_path(self.path).unlink(missing_ok=True)

    def new_events(self) -> np.ndarray:
        """The events since the last dump, oldest first."""
        events = _unrolled(self.box.events, int(self.box.counts[EVENTS]))
        return events[max(0, len(events) - int(self.box.counts[EVENTS] - self.dumped[EVENTS])) :]

    def copy(self, seconds: float, period: float) -> dict[str, np.ndarray]:
        """The last ``seconds`` of every ring, oldest first, and what is before them back to a snapshot."""
        counts = self.box.counts.copy()
        rows = _unrolled(self.box.rows, int(counts[ROWS]))[SPARE if counts[ROWS] > self.ticks - SPARE else 0 :]
        moments = _unrolled(self.box.moments, int(counts[SNAPSHOTS]))
        start, since = _start(rows["tick"], moments["tick"], max(1, round(seconds / period)))
        out = {"rows": rows[rows["tick"] > since], "moments": moments[start:]}
        for name in ("configs", "states", "guards"):
            out[name] = _unrolled(getattr(self.box, name), int(counts[SNAPSHOTS]))[start:]
        for name in ("commands", "notes"):
            out[name] = _unrolled(getattr(self.box, name), int(counts[COMMANDS]))
        kept = out["notes"]["tick"] >= since
        out["commands"], out["notes"] = out["commands"][kept], out["notes"][kept]
        out["events"] = _unrolled(self.box.events, int(counts[EVENTS]))
        return out

    def dump(self, path: Path, seconds: float, header: Mapping[str, Any], arm: np.ndarray, shape: Shape) -> Path:
        """Write the last ``seconds`` to ``path`` (.npz), whole or not at all; ``arm``, ``shape``: for a replay."""
        self.dumped[:] = self.box.counts
        content = self.copy(seconds, float(header["period"])) | {"arm": arm}
        content |= {f"shape_{name}": np.asarray(value) for name, value in shape._asdict().items()}
        content["header"] = np.frombuffer(json.dumps(dict(header)).encode(), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            np.savez(file, **content)
        half.rename(path)
        return path


def _unrolled(ring: np.ndarray, count: int) -> np.ndarray:
    """A copy of a ring into which ``count`` rows were ever written, oldest first."""
    if count <= len(ring):
        return ring[:count].copy()
    return np.roll(ring, -(count % len(ring)))


def _start(rows: np.ndarray, moments: np.ndarray, wanted: int) -> tuple[int, int]:
    """Number of the snapshot to start from, and its tick: the last one before the ``wanted`` newest rows, or else the
    first after which no row is missing."""
    if len(rows) == 0:
        return len(moments), -1
    whole = np.flatnonzero(moments >= rows[0] - 1)
    before = whole[moments[whole] < rows[-min(wanted, len(rows))]]
    if len(before) == 0 and len(whole) == 0:
        return len(moments), int(rows[0]) - 1
    start = int(before[-1]) if len(before) else int(whole[0])
    return start, int(moments[start])


def load(path: Path) -> dict[str, Any]:
    """What a dump holds: its arrays, and ``header`` as a dict."""
    with np.load(path, allow_pickle=False) as file:
        content: dict[str, Any] = {name: file[name] for name in file.files}
    content["header"] = json.loads(content["header"].tobytes())
    return content
