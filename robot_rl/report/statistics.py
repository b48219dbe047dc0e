"""The few statistics that a report needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a success rate (Wilson 1927), by default at 95 %; (0, 1) without any trial."""
    if trials == 0:
        return 0.0, 1.0
    rate, z2 = successes / trials, z * z
    middle = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def running_rate(successes: Sequence[bool], window: int) -> NDArray[np.float64]:
    """Share of successes over the last ``window`` episodes (fewer at the start), (n,)."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(successes, float))])
    end = np.arange(1, len(total))
    start = np.maximum(end - window, 0)
    return (total[end] - total[start]) / (end - start)
