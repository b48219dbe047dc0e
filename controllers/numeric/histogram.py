"""Durations counted in bins: from compiled code, and as an object."""

from __future__ import annotations

import numpy as np

from controllers.numeric.jit import kernel

FINE, COARSE = 2000, 1000
"""Bins of 1 us, and of 0.1 ms after them."""
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


def new_counts() -> Counts:
    """Empty bins: of 1 us up to 2 ms, then of 0.1 ms up to 102 ms."""
    return np.zeros(FINE + COARSE, np.int64)


@kernel
def count(counts: Counts, nanoseconds: int) -> None:
    """Count one duration [ns]."""
    micros = max(nanoseconds, 0) // 1000
    slot = micros if micros < FINE else FINE + (micros - FINE) // 100
    counts[min(slot, FINE + COARSE - 1)] += 1


@kernel
def percentile(counts: Counts, share: float) -> float:
    """Upper edge [s] of the bin that holds the ``share`` smallest samples; 0 when there are none."""
    total = 0
    for slot in range(counts.shape[0]):
        total += counts[slot]
    seen = 0
    for slot in range(counts.shape[0]):
        seen += counts[slot]
        if total > 0 and seen >= share * total:
            micros = slot + 1 if slot < FINE else FINE + (slot - FINE + 1) * 100
            return micros * 1e-6
    return 0.0


@kernel
def moments(counts: Counts) -> tuple[float, float]:
    """Mean and standard deviation [s] of all samples, each taken for the middle of its bin; 0 when there are none."""
    total, first, second = 0, 0.0, 0.0
    for slot in range(counts.shape[0]):
        x = (slot + 0.5 if slot < FINE else FINE + (slot - FINE + 0.5) * 100.0) * 1e-6
        total += counts[slot]
        first += counts[slot] * x
        second += counts[slot] * x * x
    if total == 0:
        return 0.0, 0.0
    mean = first / total
    return mean, np.sqrt(max(second / total - mean * mean, 0.0))


class Histogram:
    """Durations, in bins; adding one allocates nothing."""

    def __init__(self) -> None:
        self.counts = new_counts()
        self.largest = 0.0

    def add(self, nanoseconds: int) -> None:
        """Count one duration [ns]."""
        count(self.counts, nanoseconds)
        self.largest = max(self.largest, nanoseconds * 1e-9)

    def percentile(self, share: float) -> float:
        """The duration [s] that ``share`` in (0, 1] of all samples did not exceed, to the bin's upper edge."""
        return float(percentile(self.counts, share))
