"""Batches mixed from experience and demonstrations (RLPD, Ball et al. 2023, symmetric sampling)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import CheckpointError, ConfigError, SpecError
from robot_rl.core.spec import Spec
from robot_rl.data.generator import State, generator_state, restore_generator
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.windows import Window, Windows
from robot_rl.data.transitions import Batch, Source, sample

Share = tuple[Source, NDArray[np.int64]]
"""A source and the rows of a batch that it fills."""


class Blend(ABC):
    """A source made of others, each of which fills some rows of a batch."""

    spec: Spec
    sample = sample

    @abstractmethod
    def shares(self, at: NDArray[np.int64]) -> Iterator[Share]:
        """Which source fills which of the rows ``at``, by new draws."""

    def sample_into(
        self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        for source, some in self.shares(at):
            source.sample_into(out, some, n_step, gamma, augmentation)

    def windows_into(
        self, out: Windows, at: NDArray[np.int64], window: Window, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random windows to the rows ``at`` of ``out``."""
        for source, some in self.shares(at):
            source.windows_into(out, some, window, augmentation)


class Mixture(Blend):
    """Samples ``demo_ratio`` of each batch from demonstrations, interleaved: every part of a batch has the same mix."""

    def __init__(self, online: Source, demos: Source | None, demo_ratio: float) -> None:
        if not 0.0 <= demo_ratio <= 1.0:
            raise ConfigError(f"demo_ratio is {demo_ratio}: give a number from 0 to 1")
        if demos is not None and demos.spec != online.spec:
            raise SpecError("the demonstrations and the experience have different specs: use the same task and station")
        self.spec = online.spec
        self.online = online
        self.demos = demos
        self.demo_ratio = demo_ratio

    def __len__(self) -> int:
        return len(self.online) + (0 if self.demos is None else len(self.demos))

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws of both sides; JSON keeps it."""
        return {"online": self.online.state_dict(), "demos": None if self.demos is None else self.demos.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the mixture of ``state`` did."""
        if (state["demos"] is None) != (self.demos is None):
            raise CheckpointError("demonstrations are given now or were given before, not both: give the same ones")
        self.online.load_state_dict(state["online"])
        if self.demos is not None:
            self.demos.load_state_dict(state["demos"])

    def shares(self, at: NDArray[np.int64]) -> Iterator[Share]:
        from_demos = self._from_demos(np.arange(len(at)))
        for source, some in ((self.demos, at[from_demos]), (self.online, at[~from_demos])):
            if source is not None and len(some):
                yield source, some

    def _from_demos(self, places: np.ndarray) -> np.ndarray:
        if self.demos is None or len(self.demos) == 0:
            return np.zeros(len(places), np.bool_)
        if len(self.online) == 0:
            return np.ones(len(places), np.bool_)
        share = self.demo_ratio + 1e-9
        return np.floor((places + 1) * share) > np.floor(places * share)


class Pool(Blend):
    """Several sources as one, every step of each alike: demonstrations and a person's corrections, say."""

    def __init__(self, sources: Sequence[Source], seed: int) -> None:
        if not sources or any(source.spec != sources[0].spec for source in sources):
            raise SpecError("sources to draw from must be of one spec, and at least one: use the same task and station")
        self.spec = sources[0].spec
        self.sources = sources
        self._rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws of all sources; JSON keeps it."""
        return {"generator": generator_state(self._rng), "sources": [s.state_dict() for s in self.sources]}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the pool of ``state`` did."""
        if len(state["sources"]) != len(self.sources):
            raise CheckpointError("there were other demonstrations before: give the same ones")
        restore_generator(self._rng, state["generator"])
        for source, its in zip(self.sources, state["sources"], strict=True):
            source.load_state_dict(its)

    def shares(self, at: NDArray[np.int64]) -> Iterator[Share]:
        upto = np.cumsum([len(source) for source in self.sources])
        chosen = np.searchsorted(upto, self._rng.integers(upto[-1], size=len(at)), side="right")
        for number, source in enumerate(self.sources):
            some = at[chosen == number]
            if len(some):
                yield source, some
