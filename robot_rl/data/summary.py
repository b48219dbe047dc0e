"""Count, range, mean and spread of numbers; summaries of parts add up exactly to the summary of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Array
from robot_rl.core.spec import Feature

CHANNELS = 4
"""A last axis of at most this many is kept apart (colours); a longer one is an image's width."""


@dataclass(frozen=True)
class Summary:
    """Of N rows with D numbers each."""

    count: int
    """N."""
    low: Array
    """(D,)."""
    high: Array
    """(D,)."""
    mean: Array
    """(D,)."""
    squares: Array
    """Sum of the squared distances from the mean, (D,)."""

    @staticmethod
    def of(rows: NDArray) -> Summary:
        """Summary of rows (N, D); rows that hold a number that is not finite are left out."""
        values = rows.astype(np.float64)
        values = values[np.isfinite(values).all(axis=1)]
        if len(values) == 0:
            return empty(rows.shape[1])
        mean = values.mean(axis=0)
        squares = np.square(values - mean).sum(axis=0)
        return Summary(len(values), values.min(axis=0), values.max(axis=0), mean, squares)

    @staticmethod
    def of_counts(counts: NDArray[np.int64]) -> Summary:
        """Summary of whole numbers from how often 0, 1, 2 ... occur, (D, K)."""
        total = int(counts[0].sum())
        if total == 0:
            return empty(len(counts))
        value = np.arange(counts.shape[1], dtype=np.float64)
        mean = counts @ value / total
        squares = (counts * np.square(value - mean[:, None])).sum(axis=1)
        seen = counts > 0
        low, high = seen.argmax(axis=1), counts.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
        return Summary(total, low.astype(np.float64), high.astype(np.float64), mean, squares)

    @property
    def std(self) -> Array:
        """Standard deviation of the N rows themselves, (D,)."""
        return np.sqrt(self.squares / max(self.count, 1))

    def __add__(self, other: Summary) -> Summary:
        """Summary of both together (Chan, Golub and LeVeque 1983)."""
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        count, delta = self.count + other.count, other.mean - self.mean
        return Summary(
            count,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.mean + delta * (other.count / count),
            self.squares + other.squares + np.square(delta) * (self.count * other.count / count),
        )

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types; of no rows only how long they would be."""
        if self.count == 0:
            return {"count": 0, "dim": len(self.mean)}
        arrays = {"low": self.low, "high": self.high, "mean": self.mean, "squares": self.squares}
        return {"count": self.count, **{name: values.tolist() for name, values in arrays.items()}}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Summary:
        """The summary that ``to_json`` wrote."""
        if data["count"] == 0:
            return empty(int(data["dim"]))
        low, high, mean, squares = (np.array(data[k], np.float64) for k in ("low", "high", "mean", "squares"))
        return Summary(int(data["count"]), low, high, mean, squares)


def empty(dim: int) -> Summary:
    """Summary of no rows with ``dim`` numbers each."""
    return Summary(0, np.full(dim, np.inf), np.full(dim, -np.inf), np.zeros(dim), np.zeros(dim))


def is_image(feature: Feature) -> bool:
    """Rows of bytes in a few channels: counted value by value, so that nothing of them is an estimate."""
    return feature.dtype == "uint8" and len(feature.shape) == 3 and feature.shape[-1] <= CHANNELS


def as_rows(feature: Feature, values: NDArray) -> NDArray:
    """Rows (N, D) of an array (T, ...): D is the length of a vector, the channels of an image, else 1."""
    shape = feature.shape
    if len(shape) == 1:
        return values.reshape(-1, shape[0])
    if len(shape) > 1 and shape[-1] <= CHANNELS:
        return values.reshape(-1, shape[-1])
    return values.reshape(-1, 1)
