"""Recorded episodes seen as one long table of rows. Images stay where they lie on disk and are mapped, not read."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.copying import row_addresses, row_size
from robot_rl.data.dataset import Dataset
from robot_rl.data.layout import Layout
from robot_rl.data.loading.recorded import Recorded, slim_episodes
from robot_rl.data.returns import LAST, STEP, TABLE

BLOCK: Final = 64
"""Rows of a compressed array that are in memory at a time."""
POPULATE_READ: Final = 22
"""Advice to map pages that are there and to read those that are not, at once (Linux 5.14)."""
Extra = Mapping[str, NDArray]
"""Features added to those of one episode: name -> rows (T + 1, ...)."""


class Corpus:
    """T + 1 rows per episode: T steps, then the observation after the last of them."""

    def __init__(self, spec: Spec, episodes: Sequence[Recorded], extra: Sequence[Extra] = ()) -> None:
        """Take the features that ``spec`` names from ``episodes``, or from what ``extra`` adds to each of them."""
        if not episodes:
            raise DatasetError("there is no episode to load: collect some, or choose others")
        self.spec = spec
        self.lengths = np.array([len(episode.action) for episode in episodes])
        """Steps of each episode, (E,)."""
        self.first = np.concatenate([[0], np.cumsum(self.lengths + 1)])
        """First row of each episode, and after the last of them the number of rows, (E + 1,)."""
        self.episode_of = np.repeat(np.arange(len(episodes)), self.lengths + 1)
        """Episode of each row, (N,)."""
        self.group = np.zeros(len(episodes), np.int64)
        """Dataset that each episode came from, (E,)."""
        added = extra or [{}] * len(episodes)
        self._parts: dict[str, list[NDArray]] = {}
        for name, feature in spec.observation.items():
            pairs = zip(episodes, added, strict=True)
            self._parts[name] = [_take(name, feature, episode, more) for episode, more in pairs]
        self._parts["action"] = [_padded(_actions(episode, spec), 1) for episode in episodes]
        self.table = np.concatenate([_table(episode) for episode in episodes])
        self._bases = {name: _bases(parts) for name, parts in self._parts.items()}
        self._sizes = {name: row_size(parts[0]) for name, parts in self._parts.items()}

    @staticmethod
    def of(datasets: Iterable[Dataset], spec: Spec | None = None, outcomes: Sequence[str] = ()) -> Corpus:
        """The episodes of one or several datasets.

        Args:
            datasets: Each becomes a group.
            spec: Features to load; those of the first dataset if left out.
            outcomes: Load only episodes that ended so; all if empty.
        """
        episodes: list[Recorded] = []
        group: list[int] = []
        for number, dataset in enumerate(datasets):
            spec = spec or dataset.spec
            chosen = [entry for entry in dataset.index if not outcomes or entry["outcome"] in outcomes]
            if not chosen:
                wanted = f"no episode with outcome {' or '.join(outcomes)}" if outcomes else "no episode"
                raise DatasetError(f"{dataset.root} has {wanted}: collect more, or choose other outcomes")
            layout = Layout(dataset.spec)
            episodes += slim_episodes(chosen, layout, spec)
            group += [number] * len(chosen)
        if spec is None:
            raise DatasetError("there is no dataset to load: name at least one")
        corpus = Corpus(spec, episodes)
        corpus.group = np.array(group)
        return corpus

    def __len__(self) -> int:
        """Steps."""
        return int(self.lengths.sum())

    def addresses(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the rows of a feature, or of ``action``, lie in memory."""
        episode = self.episode_of[rows]
        return self._bases[name][episode] + (rows - self.first[episode]) * self._sizes[name]

    def column(self, name: str) -> NDArray:
        """All rows of a feature, (N, ...); of ``action`` only those of steps, (S, A). A copy: not for images."""
        parts = self._parts[name]
        return np.concatenate([part[:-1] for part in parts] if name == "action" else parts)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted sum of rewards of each episode, (E,)."""
        return np.add.reduceat(self.table["reward"].astype(np.float64), self.first[:-1])

    @property
    def starts(self) -> NDArray[np.float32]:
        """First observation of each episode: its vectors, joined, (E, n)."""
        names = self.spec.vectors
        return np.stack([np.concatenate([self._parts[n][e][0] for n in names]) for e in range(len(self.lengths))])

    def warm(self) -> None:
        """Read what is on disk into memory now, in order, instead of page by page in the first random batches."""
        for parts in self._parts.values():
            for part in parts:
                if isinstance(part.base, mmap.mmap):
                    _populate(part.base)


def _take(name: str, feature: Feature, episode: Recorded, extra: Extra) -> NDArray:
    rows = extra[name] if name in extra else episode.obs.get(name)
    if rows is None:
        raise SpecError(f"{episode.path} has no feature {name!r}: choose features that all datasets have")
    if rows.shape[1:] != feature.shape or rows.dtype != np.dtype(feature.dtype):
        got, want = f"{rows.dtype}{rows.shape[1:]}", f"{feature.dtype}{feature.shape}"
        raise SpecError(f"{name} of {episode.path} is {got}, the others have {want}: leave the feature out")
    steps = len(episode.action)
    if len(rows) != steps + 1:
        raise SpecError(f"{name} has {len(rows)} rows for {steps} steps: give one row more than steps")
    return np.ascontiguousarray(rows) if isinstance(rows, np.ndarray) else _expanded(rows)


def _expanded(rows: Any) -> NDArray:  # noqa: ANN401  (compressed rows)
    """Rows of an archived episode in a mapped file without a name, which goes when they go."""
    with tempfile.TemporaryFile() as file:
        for start in range(0, len(rows), BLOCK):
            file.write(np.ascontiguousarray(rows[start : start + BLOCK]).data)
        file.flush()
        return np.memmap(file, rows.dtype, mode="r", shape=rows.shape)


def _actions(episode: Recorded, spec: Spec) -> NDArray[np.float32]:
    if episode.action.shape[1] != spec.action_dim:
        got = episode.action.shape[1]
        raise SpecError(f"{episode.path} has actions of {got} numbers, not {spec.action_dim}: leave its dataset out")
    return np.ascontiguousarray(episode.action, np.float32)


def _padded(rows: NDArray, count: int) -> NDArray:
    return np.concatenate([rows, np.zeros((count, *rows.shape[1:]), rows.dtype)])


def _table(episode: Recorded) -> NDArray[np.void]:
    table = np.zeros(len(episode.action) + 1, TABLE)
    table["reward"][:-1] = episode.reward
    table["terminated"][:-1] = episode.terminated
    table["kind"] = STEP
    table["kind"][-1] = LAST
    return table


def _bases(parts: Sequence[NDArray]) -> NDArray[np.int64]:
    return np.array([int(row_addresses(part, np.zeros(1, np.int64))[0]) for part in parts])


def _populate(mapping: mmap.mmap) -> None:
    try:
        mapping.madvise(POPULATE_READ)
    except OSError:  # an older kernel
        mapping.madvise(mmap.MADV_WILLNEED)
