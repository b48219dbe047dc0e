"""Memory of a replay: rows in the order in which they came, the oldest written over by the newest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.records import Observation, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.copying import row_addresses, row_size
from robot_rl.data.layout import LARGE, row_bytes
from robot_rl.data.loading.recorded import Recorded
from robot_rl.data.returns import LAST, STEP, TABLE

BLOCK: Final = 256
"""Rows of a large feature whose memory is taken at once, when the first of them is written."""


class RowQueue:
    """Rows that can be drawn, oldest first: they enter and leave in the order of the ring."""

    def __init__(self, capacity: int) -> None:
        self._rows = np.zeros(capacity, np.int64)
        self._first = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, row: int) -> None:
        """Add the newest row."""
        self._rows[(self._first + self._count) % len(self._rows)] = row
        self._count += 1

    def forget(self, row: int) -> None:
        """Take a row out that is written over; only the oldest one can be."""
        if self._count and self._rows[self._first] == row:
            self._first = (self._first + 1) % len(self._rows)
            self._count -= 1

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Random rows, (count,), with replacement; equal draws whatever row of the ring is the first."""
        if self._count == 0:
            raise DatasetError("the replay holds no complete step yet: add demonstrations, or wait for the actor")
        place = rng.integers(self._count, size=count)
        return self._rows[(self._first + place) % len(self._rows)]


class _Large:
    """Rows of a large feature: some in memory, which is taken a block at a time, some where they lie on disk."""

    def __init__(self, capacity: int, feature: Feature) -> None:
        self.where = np.zeros(capacity, np.int64)
        """Address of each row, (C,)."""
        self._feature = feature
        self._blocks: dict[int, NDArray] = {}

    def write(self, row: int, value: NDArray) -> None:
        """Copy a row into memory."""
        block = self._blocks.get(row // BLOCK)
        if block is None:
            rows = min(BLOCK, len(self.where) - row // BLOCK * BLOCK)
            block = self._blocks[row // BLOCK] = np.empty((rows, *self._feature.shape), self._feature.dtype)
        block[row % BLOCK] = value
        self.where[row] = block.ctypes.data + row % BLOCK * row_bytes(self._feature)


@dataclass(frozen=True)
class _Mapped:
    """Files that some rows lie in, kept open until these are written over."""

    until: int
    """Number of rows written when the last of them had been."""
    arrays: tuple[NDArray, ...]


class Ring:
    """Each observation once, in memory of its own or where it lies on disk; one thread at a time."""

    def __init__(self, spec: Spec, capacity: int) -> None:
        self.spec = spec
        self.capacity = capacity
        self.table = np.zeros(capacity, TABLE)
        self.steps = RowQueue(capacity)
        """Rows whose next observation is known."""
        self.corrections = RowQueue(capacity)
        """Those of them whose action a person chose."""
        large = {k: f for k, f in spec.observation.items() if row_bytes(f) >= LARGE}
        small = {k: f for k, f in spec.observation.items() if k not in large}
        self._large = {k: _Large(capacity, f) for k, f in large.items()}
        self._small = {k: np.empty((capacity, *f.shape), f.dtype) for k, f in small.items()}
        self._action = np.zeros((capacity, spec.action_dim), np.float32)
        self._written = 0
        self._mapped: deque[_Mapped] = deque()

    def addresses(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the rows of a feature, or of ``action``, lie in memory."""
        if name in self._large:
            return self._large[name].where[rows]
        return row_addresses(self._action if name == "action" else self._small[name], rows)

    def append(self, obs: Observation, step: StepRecord | None, follows: bool) -> None:
        """Write a row over the oldest one. If it ``follows`` the newest one in its episode, that one is complete."""
        row = self._take()
        for name, rows in self._small.items():
            rows[row] = obs[name]
        for name, large in self._large.items():
            large.write(row, obs[name])
        if follows:
            self._complete((row - 1) % self.capacity)
        self.table[row] = (0.0, False, LAST, False)
        if step is not None:
            self._action[row] = step.action
            self.table[row] = (step.reward, step.terminated, LAST, step.source == Source.HUMAN)

    def attach(self, episode: Recorded, start: int, stop: int) -> int:
        """Take rows of a recorded episode in; its large features stay where they are on disk.

        The last row is one whose result is not known: after the episode's last step, or before it went on elsewhere.
        Returns the number of steps that are known.
        """
        start = max(start, stop - self.capacity)
        rows = np.array([self._take() for _ in range(start, stop)])
        for name, kept in self._small.items():
            kept[rows] = _checked(episode, name, self.spec)[start:stop]
        arrays = {name: _checked(episode, name, self.spec) for name in self._large}
        for name, array in arrays.items():
            self._large[name].where[rows] = array.ctypes.data + np.arange(start, stop) * row_size(array)
        steps, some = rows[:-1], slice(start, stop - 1)
        self._action[steps] = episode.action[some]
        self.table[rows] = (0.0, False, LAST, False)
        known = self.table[steps]
        known["reward"], known["terminated"] = episode.reward[some], episode.terminated[some]
        known["human"] = episode.source[some] == Source.HUMAN
        self.table[steps] = known
        for row in steps:
            self._complete(int(row))
        self._mapped.append(_Mapped(self._written, tuple(arrays.values())))
        return len(steps)

    def _take(self) -> int:
        """The oldest row, forgotten."""
        row = self._written % self.capacity
        self.steps.forget(row)
        self.corrections.forget(row)
        self._written += 1
        while self._mapped and self._mapped[0].until <= self._written - self.capacity:
            self._mapped.popleft()
        return row

    def _complete(self, row: int) -> None:
        """The observation after this row's step is known now."""
        self.table[row]["kind"] = STEP
        self.steps.push(row)
        if self.table[row]["human"]:
            self.corrections.push(row)


def _checked(episode: Recorded, name: str, spec: Spec) -> NDArray:
    """All rows of a feature of an episode, contiguous."""
    feature, given = spec.observation[name], episode.obs.get(name)
    if given is None or given.shape[1:] != feature.shape or given.dtype != np.dtype(feature.dtype):
        raise SpecError(f"{episode.path} has another {name} than the replay, or none: use data of the same task")
    return np.ascontiguousarray(given if isinstance(given, np.ndarray) else given[:])
