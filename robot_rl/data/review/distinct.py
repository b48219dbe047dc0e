"""How many different rows there are, in 16 kB of memory however many there are (HyperLogLog, Flajolet et al. 2007)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PRECISION: Final = 14
"""Bits that choose a register; the standard error is 1.04 / sqrt(2 ** PRECISION) = 0.8 %."""
REST: Final = 50
"""Bits of a hash of which the leading zeros are counted; as many as a double holds exactly."""
ONE_MORE: Final = np.uint64(0x9E3779B97F4A7C15)


class Distinct:
    """Counts different rows of whole numbers."""

    def __init__(self) -> None:
        self._registers = np.zeros(1 << PRECISION, np.int64)

    def add(self, rows: NDArray[np.int64]) -> None:
        """Take rows (N, D)."""
        hashes = np.zeros(len(rows), np.uint64)
        for column in rows.T:
            hashes = _mix(hashes ^ (column.astype(np.uint64) + ONE_MORE))
        register = (hashes >> np.uint64(64 - PRECISION)).astype(np.int64)
        rest = hashes & np.uint64((1 << REST) - 1)
        zeros = REST - np.frexp(rest.astype(np.float64))[1]
        np.maximum.at(self._registers, register, zeros + 1)

    @property
    def count(self) -> float:
        """Estimate of the number of different rows so far."""
        size = len(self._registers)
        raw = 0.7213 / (1 + 1.079 / size) * size**2 / np.exp2(-self._registers.astype(np.float64)).sum()
        empty = int((self._registers == 0).sum())
        return float(size * np.log(size / empty)) if empty and raw <= 2.5 * size else float(raw)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Turn every bit of a number into every bit of another (splitmix64, Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
