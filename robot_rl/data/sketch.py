"""Quantiles of numbers that come and go: a histogram whose bins are 1/128 of a power of two wide.

The bin of a number is the upper half of its float32 (sign, exponent, 7 bits of mantissa), so binning is a shift, bins
need no choice of a range, and histograms add and subtract exactly. A quantile is the middle of its bin: at most
0.4 % of its value away from the number of that rank.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Array

BINS = 1 << 16
ERROR = 2.0**-8
"""Largest distance of a quantile from the number of its rank, as a share of that number."""


@dataclass(frozen=True)
class Sketch:
    """How many of the numbers of each of D columns lie in which bin; empty bins are left out."""

    keys: NDArray[np.uint32]
    """Column times ``BINS`` plus bin, sorted, bins in the order of their values."""
    counts: NDArray[np.int64]

    @staticmethod
    def of(rows: NDArray) -> Sketch:
        """Sketch of rows (N, D); rows that hold a number that is not finite are left out."""
        values = np.ascontiguousarray(rows, np.float32)
        values = values[np.isfinite(values).all(axis=1)]
        bits = (values.view(np.uint32) >> 16).astype(np.uint32)
        ordered = np.where(bits & 0x8000, 0xFFFF - bits, bits | 0x8000).astype(np.uint32)
        keys = (ordered + np.arange(rows.shape[1], dtype=np.uint32) * BINS).astype(np.uint32)
        return Sketch(*np.unique(keys, return_counts=True))

    def add(self, other: Sketch, sign: int = 1) -> Sketch:
        """Both together; with ``sign`` -1 this one without the other, which it must contain."""
        keys, place = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, sign * other.counts]))
        kept = counts != 0
        return Sketch(keys[kept], counts[kept])

    def quantile(self, q: float, dim: int) -> Array:
        """The number whose rank is the share ``q`` of all, for each of ``dim`` columns, (D,); NaN where there is none.

        Nothing is interpolated between neighbours: of an even number the median is the lower of the two in the middle.
        """
        result = np.full(dim, np.nan)
        ends = np.searchsorted(self.keys, np.arange(dim + 1, dtype=np.int64) * BINS)
        for column, (start, stop) in enumerate(itertools.pairwise(ends.tolist())):
            if stop > start:
                upto = np.cumsum(self.counts[start:stop])
                rank = int(q * (upto[-1] - 1))
                result[column] = _middle(int(self.keys[start + np.searchsorted(upto, rank, side="right")]) % BINS)
        return result


def nothing() -> Sketch:
    """A sketch of no numbers."""
    return Sketch(np.zeros(0, np.uint32), np.zeros(0, np.int64))


def _middle(ordered: int) -> float:
    bits = ordered & 0x7FFF if ordered & 0x8000 else 0xFFFF - ordered
    if bits & 0x7FFF == 0:
        return 0.0
    return float(np.array([bits << 16 | 0x8000], np.uint32).view(np.float32)[0])
