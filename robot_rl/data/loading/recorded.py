"""Episodes of a dataset with only the columns that learning needs: a thousand of them are opened in a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.spec import Spec
from robot_rl.data.episode import read_column
from robot_rl.data.layout import Layout

COLUMNS: Final = ("action", "reward", "terminated", "source")


class Recorded(Protocol):
    """What is loaded of an episode; every ``Episode`` has it."""

    @property
    def path(self) -> Path: ...
    @property
    def obs(self) -> Mapping[str, Any]:
        """Name -> rows (T + 1, ...)."""
        ...

    @property
    def action(self) -> NDArray[np.float32]:
        """(T, A)."""
        ...

    @property
    def reward(self) -> NDArray[np.float32]:
        """(T,)."""
        ...

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """(T,)."""
        ...

    @property
    def source(self) -> NDArray[np.uint8]:
        """``Source`` of each action, (T,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Slim:
    """Those columns, and what was said of the episode."""

    path: Path
    meta: Mapping[str, Any]
    obs: Mapping[str, Any]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    source: NDArray[np.uint8]


def slim_episodes(entries: Iterable[Mapping[str, Any]], layout: Layout, spec: Spec) -> Iterator[Slim]:
    """The features of ``spec`` of the given episodes of a dataset's index; large ones are mapped."""
    for entry in entries:
        obs = {name: read_column(entry, name, layout) for name in spec.observation if name in layout.spec.observation}
        columns = {name: np.asarray(read_column(entry, name, layout)) for name in COLUMNS}
        yield Slim(path=entry["path"], meta=entry["meta"], obs=obs, **columns)
