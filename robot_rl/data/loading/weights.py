"""How likely each step is drawn: evenly, by how good its episode was, or by which dataset it came from.

Hong et al. 2023, "Harnessing Mixed Offline Reinforcement Learning Datasets via Trajectory Weighting": the algorithm
stays as it is, only the sampling changes. All weights are per row, (N,), and 0 where a row is no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import CheckpointError, ConfigError, DatasetError
from robot_rl.data.generator import State, generator_state, restore_generator
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.returns import STEP

Weights = NDArray[np.float64]


def uniform(corpus: Corpus) -> Weights:
    """Every step alike."""
    return (corpus.table["kind"] == STEP).astype(np.float64)


def by_return(corpus: Corpus, temperature: float = 0.1) -> Weights:
    """Softmax of the episodes' returns, scaled to [0, 1] over all episodes; each step inherits its episode's weight."""
    return _spread(corpus, _softmax(corpus.returns, temperature))


def by_advantage(corpus: Corpus, temperature: float = 0.1) -> Weights:
    """As ``by_return``, of the return beyond what the first observation promises (linear regression)."""
    starts = corpus.starts.astype(np.float64)
    inputs = np.concatenate([starts, np.ones((len(starts), 1))], axis=1)
    promised = inputs @ np.linalg.lstsq(inputs, corpus.returns, rcond=None)[0]
    return _spread(corpus, _softmax(corpus.returns - promised, temperature))


def best(corpus: Corpus, share: float = 0.1) -> Weights:
    """The steps of the best share of the episodes by return, alike; at least one episode."""
    if not 0.0 < share <= 1.0:
        raise ConfigError(f"the best {share} of the episodes: give a share above 0, at most 1")
    count = max(1, round(share * len(corpus.lengths)))
    chosen = np.zeros(len(corpus.lengths))
    chosen[np.argsort(-corpus.returns, kind="stable")[:count]] = 1.0
    return _spread(corpus, chosen)


def mixed(corpus: Corpus, weights: Weights, shares: Sequence[float]) -> Weights:
    """Draw from each dataset of the corpus as often as its share says, within it by ``weights``."""
    groups = int(corpus.group.max()) + 1
    if len(shares) != groups or min(shares) < 0 or not sum(shares) > 0:
        raise ConfigError(f"mixing weights {list(shares)} for {groups} datasets: give one each, none below 0")
    group = corpus.group[corpus.episode_of]
    totals = np.bincount(group, weights, groups)
    if ((totals == 0) & (np.array(shares) > 0)).any():
        raise DatasetError("a dataset with a share has no step with a weight: give it the share 0")
    return weights * (np.array(shares) / np.where(totals > 0, totals, 1.0))[group]


class Draw:
    """Draws rows by their weights."""

    def __init__(self, weights: Weights, rng: np.random.Generator) -> None:
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
            raise ConfigError("weights must be finite, none below 0, and not all 0: check how they were computed")
        self.rows = np.flatnonzero(weights)
        """Rows that can be drawn."""
        self._upto = np.cumsum(weights[self.rows])
        self._even = bool((weights[self.rows] == weights[self.rows[0]]).all())
        self._rng = rng

    def __call__(self, count: int) -> NDArray[np.int64]:
        """Rows, (count,), with replacement."""
        if self._even:
            return self.rows[self._rng.integers(len(self.rows), size=count)]
        place = np.searchsorted(self._upto, self._rng.random(count) * self._upto[-1], side="right")
        return self.rows[np.minimum(place, len(self.rows) - 1)]

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws; JSON keeps it."""
        return {"generator": generator_state(self._rng), "steps": len(self.rows)}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the one of ``state`` did; ``CheckpointError`` if there was another number of rows."""
        if state["steps"] != len(self.rows):
            was = state["steps"]
            raise CheckpointError(f"the demonstrations had {was} steps, now {len(self.rows)}: give the same ones")
        restore_generator(self._rng, state["generator"])


def _softmax(values: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    if not temperature > 0:
        raise ConfigError(f"temperature {temperature}: give a number above 0")
    span = values.max() - values.min()
    scaled = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    weights = np.exp((scaled - 1.0) / temperature) if span > 0 else np.ones_like(values)
    return weights


def _spread(corpus: Corpus, per_episode: NDArray[np.float64]) -> Weights:
    return uniform(corpus) * per_episode[corpus.episode_of]
