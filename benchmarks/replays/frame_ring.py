"""A buffer as SERL and HIL-SERL have it, made anew in numpy from its description: frames once, pairs by neighbourhood.

A row of the ring holds what a step led to. At the start of an episode one row more holds its first frame; such a row
cannot be drawn. A frame pair is a window of two rows, so s and s' travel as one array. Whether a new episode begins is
known from the last ``done`` alone: whoever leaves steps out, as the half for corrections does, gets foreign frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class FrameRing:
    """Uniform draws of packed pairs."""

    def __init__(self, capacity: int, cameras: Mapping[str, tuple[int, ...]], state: int, action: int) -> None:
        self.size = 0
        self._at = 0
        self._frames = {name: np.empty((capacity, *shape), np.uint8) for name, shape in cameras.items()}
        self._columns = {
            "state": np.empty((capacity, state), np.float32),
            "next_state": np.empty((capacity, state), np.float32),
            "action": np.empty((capacity, action), np.float32),
            "reward": np.empty(capacity, np.float32),
            "mask": np.empty(capacity, np.float32),
        }
        self._whole = np.zeros(capacity, np.bool_)
        self._begins = True
        self._rng = np.random.default_rng(0)

    def insert(self, frames: Mapping, next_frames: Mapping, columns: Mapping, done: bool) -> None:
        """Add a step."""
        if self._begins:
            self._write(frames, columns, whole=False)
        self._write(next_frames, columns, whole=True)
        self._whole[self._at % len(self._whole)] = False
        self._begins = done

    def sample(self, batch: int) -> dict[str, np.ndarray]:
        """Frames as (B, 2, H, W, 3), the columns as (B, ...)."""
        rows = self._rng.integers(self.size, size=batch)
        for b in range(batch):
            while not self._whole[rows[b]]:
                rows[b] = self._rng.integers(self.size)
        out = {name: column[rows] for name, column in self._columns.items()}
        for name, ring in self._frames.items():
            out[name] = sliding_window_view(ring, 2, axis=0)[rows - 1].transpose(0, 4, 1, 2, 3)
        return out

    def _write(self, frames: Mapping, columns: Mapping, whole: bool) -> None:
        row = self._at % len(self._whole)
        for name, ring in self._frames.items():
            ring[row] = frames[name]
        for name, column in self._columns.items():
            column[row] = columns[name]
        self._whole[row] = whole
        self._at += 1
        self.size = min(self._at, len(self._whole))
