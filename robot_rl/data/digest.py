"""SHA-256 and statistics of the large files of an episode, made while it is recorded, beside the recorder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.spec import Feature
from robot_rl.data.files import PIECE
from robot_rl.data.summary import Summary, as_rows, empty, is_image

PERIOD: Final = 0.2
"""Time between two looks at how far the files have grown [s]."""
NICENESS: Final = 5
"""The recording itself goes first."""


@dataclass(frozen=True)
class Digest:
    """What is known of one array."""

    sha256: str
    statistics: Mapping[str, Any]
    """``Summary.to_json()``, or for an image ``{"counts": ...}``: how often each value occurs in each channel."""


class Accumulator:
    """Digest of an array whose rows come piece by piece."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self._sha = hashlib.sha256()
        self._image = is_image(feature)
        self._counts = np.zeros((feature.shape[-1] if self._image else 0, 256), np.int64)
        self._summary: Summary | None = None

    def update(self, rows: NDArray) -> None:
        """Take the next rows, (n, ...)."""
        self._sha.update(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        if self._image:
            self._counts += count_values(rows.reshape(-1, 1, rows.shape[-1]))
            return
        part = Summary.of(as_rows(self.feature, rows))
        self._summary = part if self._summary is None else self._summary + part

    def result(self) -> Digest:
        """What is known now."""
        if self._image:
            return Digest(self._sha.hexdigest(), {"counts": self._counts.tolist()})
        summary = empty(1) if self._summary is None else self._summary
        return Digest(self._sha.hexdigest(), summary.to_json())


def digest(feature: Feature, rows: NDArray) -> Digest:
    """Digest of a whole array; one that is mapped from a file is read piece by piece."""
    result = Accumulator(feature)
    step = max(1, PIECE // max(1, rows[:1].nbytes))
    for start in range(0, len(rows), step):
        result.update(rows[start : start + step])
    return result.result()


def count_values(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each value occurs in each channel of (N, 1, C) bytes, (C, 256)."""
    channels = range(pixels.shape[-1])
    return np.stack([cv2.calcHist([pixels], [c], None, [256], [0, 256])[:, 0].astype(np.int64) for c in channels])


class Follower:
    """A thread that reads the files of an open episode behind its writer, at a lower priority."""

    def __init__(self, files: Mapping[str, tuple[Path, Feature]], committed: Callable[[], int]) -> None:
        """Start.

        Args:
            files: Name -> file of an array and what its rows are.
            committed: How many rows are whole by now.
        """
        self._open = {name: os.open(path, os.O_RDONLY | os.O_CLOEXEC) for name, (path, _) in files.items()}
        self._parts = {name: Accumulator(feature) for name, (_, feature) in files.items()}
        self._committed = committed
        self._done = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="episode-digest", daemon=True)
        self._thread.start()

    def finish(self) -> dict[str, Digest]:
        """Take in the rest, close the files; digests of all committed rows, or none when something went wrong here."""
        self.stop()
        whole = self._done == self._committed()
        return {name: part.result() for name, part in self._parts.items()} if whole else {}

    def stop(self) -> None:
        """End the thread and close the files; nothing happens the second time."""
        self._stop.set()
        self._thread.join()
        while self._open:
            os.close(self._open.popitem()[1])

    def _run(self) -> None:
        _nice(NICENESS)
        stopping = False
        while not stopping:
            stopping = self._stop.wait(PERIOD)
            if stopping:
                _nice(0)
            self._take(self._committed())

    def _take(self, rows: int) -> None:
        for name, descriptor in self._open.items():
            part = self._parts[name]
            size = int(np.prod(part.feature.shape)) * np.dtype(part.feature.dtype).itemsize
            step = max(1, PIECE // size)
            for start in range(self._done, rows, step):
                count = min(step, rows - start)
                content = os.pread(descriptor, count * size, start * size)
                part.update(np.frombuffer(content, part.feature.dtype).reshape(count, *part.feature.shape))
        self._done = rows


def _nice(value: int) -> None:
    """Of this thread; only the administrator may go back to a lower value."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), value)
