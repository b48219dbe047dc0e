"""Scales vectors and actions by the statistics of a dataset, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.data.dataset import Dataset
from robot_rl.data.loading.corpus import Corpus

Mode = Literal["mean_std", "min_max", "quantiles"]
MODES: Final = {"mean_std": ("mean", "std"), "min_max": ("min", "max"), "quantiles": ("q01", "q99")}
"""To zero mean and unit deviation; the range, or all but its outer hundredths, to [-1, 1]."""
SMALLEST: Final = 1e-6
"""Deviation or half range that is not divided by: such a number is only shifted, so that it becomes 0."""
Statistics = Mapping[str, Mapping[str, NDArray]]
"""Name of a feature, or ``action`` -> mean, std, min, max, q01, q99 -> one number per element, (n,)."""


def recorded(dataset: Dataset) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Statistics that a dataset keeps of itself, over all its episodes: nothing is read again for them."""
    keys = [key for pair in MODES.values() for key in pair]
    return {name: {key: getattr(found, key) for key in keys} for name, found in dataset.statistics().items()}


def measure(corpus: Corpus, weights: NDArray[np.float64] | None = None) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Statistics of the vectors and the actions of a corpus, from all its rows: of several datasets, or of a choice.

    Args:
        corpus: What to measure.
        weights: Per row, (N,); rows with weight 0 are left out, all others count alike.
    """
    kept = np.ones(len(corpus.table), np.bool_) if weights is None else weights > 0
    steps = np.delete(np.arange(len(corpus.table)), corpus.first[1:] - 1)
    columns = {name: corpus.column(name)[kept] for name in corpus.spec.vectors}
    columns["action"] = corpus.column("action")[kept[steps]]
    return {name: _describe(rows.astype(np.float64)) for name, rows in columns.items()}


@dataclass(frozen=True)
class Scaling:
    """Normalised = (value - centre) / spread, per element."""

    centre: NDArray[np.float32]
    """(n,)."""
    spread: NDArray[np.float32]
    """(n,), none of them 0."""

    def apply(self, values: NDArray) -> NDArray[np.float32]:
        """Normalised values, (..., n)."""
        return (np.asarray(values, np.float32) - self.centre) / self.spread

    def invert(self, values: NDArray) -> NDArray[np.float32]:
        """What ``apply`` was given, (..., n)."""
        return np.asarray(values, np.float32) * self.spread + self.centre


def scaling(statistics: Statistics, name: str, mode: Mode) -> Scaling:
    """How to normalise one feature; ``ConfigError`` if the statistics lack it."""
    if mode not in MODES:
        raise ConfigError(f"normalisation {mode!r}: choose from {', '.join(MODES)}")
    if name not in statistics or not set(MODES[mode]) <= set(statistics[name]):
        raise ConfigError(f"there are no statistics for {mode} of {name!r}: measure them, or leave it as it is")
    first, second = (np.asarray(statistics[name][key], np.float64) for key in MODES[mode])
    centre, spread = (first, second) if mode == "mean_std" else ((first + second) / 2, (second - first) / 2)
    spread = np.where(spread < SMALLEST, 1.0, spread)
    return Scaling(centre.astype(np.float32), spread.astype(np.float32))


def scalings(statistics: Statistics, modes: Mapping[str, Mode]) -> dict[str, Scaling]:
    """How to normalise several features, each in a mode of its own."""
    return {name: scaling(statistics, name, mode) for name, mode in modes.items()}


def _describe(rows: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    q01, q99 = np.quantile(rows, [0.01, 0.99], axis=0)
    spread = {"mean": rows.mean(axis=0), "std": rows.std(axis=0), "min": rows.min(axis=0), "max": rows.max(axis=0)}
    return {**spread, "q01": q01, "q99": q99}
