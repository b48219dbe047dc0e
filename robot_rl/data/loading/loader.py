"""Batches of windows for training: drawn by weight, copied from the disk's cache, augmented, normalised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.data.gather import Gather
from robot_rl.data.generator import State
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.normalise import Scaling
from robot_rl.data.loading.prefetch import Prefetch
from robot_rl.data.loading.weights import Draw, Weights, uniform
from robot_rl.data.loading.windows import Window, Windows, empty_windows


@dataclass(frozen=True, kw_only=True)
class LoaderConfig:
    """What the batches are like."""

    batch: int = 256
    """Windows per batch."""
    window: Window = field(default_factory=Window)
    """Observations and actions of each."""
    augmentation: Augmentation | None = None
    """Of the camera images; None leaves them as they were recorded."""
    scalings: Mapping[str, Scaling] = field(default_factory=dict)
    """How vectors and ``action`` are normalised; the others are left as they were recorded."""
    seed: int = 0
    """Equal seeds draw equal batches, however many threads there are."""
    threads: int = 0
    """That copy; 0: as many as there are processors, four at most."""


class Loader:
    """Draws random windows from a corpus, for ever."""

    def __init__(self, corpus: Corpus, config: LoaderConfig | None = None, weights: Weights | None = None) -> None:
        self.corpus = corpus
        self.config = config or LoaderConfig()
        self._rng = np.random.default_rng(self.config.seed)
        self._draw = Draw(uniform(corpus) if weights is None else weights, self._rng)
        self._gather = Gather(corpus, self._rng, self.config.threads)
        unknown = set(self.config.scalings) - {*corpus.spec.vectors, "action"}
        if unknown:
            raise ConfigError(f"{sorted(unknown)[0]!r} cannot be normalised: choose vectors of the spec, or action")
        self.spec = self.config.augmentation.applied(corpus.spec) if self.config.augmentation else corpus.spec
        """What the observations of a batch look like: cut images may be smaller than recorded ones."""

    def empty(self) -> Windows:
        """Memory for one batch."""
        return empty_windows(self.spec, self.config.window, self.config.batch)

    def sample(self, out: Windows | None = None) -> Windows:
        """The next batch, in ``out`` if it is given."""
        return self.load(self._draw(self.config.batch), out)

    def load(self, row: NDArray[np.int64], out: Windows | None = None) -> Windows:
        """The windows at the given rows of the corpus, as many as a batch holds."""
        out = self.empty() if out is None else out
        self._gather.windows(row, out, np.arange(len(row)), self.config.window, self.config.augmentation)
        for name, scaling in self.config.scalings.items():
            target = out.action if name == "action" else out.obs[name]
            target[:] = scaling.apply(target)
        return out

    def prefetch(self, ahead: int = 2) -> Prefetch[Windows]:
        """The batches of ``sample``, made in another thread up to ``ahead`` of them early."""
        return Prefetch(self.sample, [self.empty() for _ in range(ahead + 1)])

    def state_dict(self) -> dict[str, Any]:
        """What decides the next batches; JSON keeps it."""
        return self._draw.state_dict()

    def load_state_dict(self, state: State) -> None:
        """Draw on as the loader of ``state`` did. Not while a ``prefetch`` runs: it is ahead of what was used."""
        self._draw.load_state_dict(state)
