"""Recorded episodes as the demonstration half of a mixture: transitions straight from where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.spec import Spec
from robot_rl.data.gather import Gather
from robot_rl.data.generator import State
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.weights import Draw, Weights, uniform
from robot_rl.data.loading.windows import Window, Windows
from robot_rl.data.transitions import Batch, returns_from, sample


class Demonstrations:
    """Samples transitions from a corpus as ``Replay`` does from its ring, without a copy of the images in memory."""

    sample = sample

    def __init__(self, corpus: Corpus, seed: int = 0, weights: Weights | None = None) -> None:
        self.corpus = corpus
        self.weights = uniform(corpus) if weights is None else weights
        """How likely each row is drawn, (N,)."""
        rng = np.random.default_rng(seed)
        self._draw = Draw(self.weights, rng)
        self._gather = Gather(corpus, rng)

    @property
    def spec(self) -> Spec:
        """What its observations look like."""
        return self.corpus.spec

    def __len__(self) -> int:
        """Steps that can be sampled."""
        return len(self._draw.rows)

    def sample_into(
        self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        start = self._draw(len(at))
        self._gather.transitions((start, returns_from(self.corpus, start, n_step, gamma)), out, at, augmentation)

    def windows_into(
        self, out: Windows, at: NDArray[np.int64], window: Window, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random windows to the rows ``at`` of ``out``."""
        self._gather.windows(self._draw(len(at)), out, at, window, augmentation)

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws; JSON keeps it."""
        return self._draw.state_dict()

    def load_state_dict(self, state: State) -> None:
        """Draw on as the demonstrations of ``state`` did."""
        self._draw.load_state_dict(state)
