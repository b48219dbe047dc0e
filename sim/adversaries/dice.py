"""A random stream that kernels can draw from without Python: splitmix64, one word of state."""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from robot_rl.core.records import Array

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S11, S27, S30, S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@kernel
def uniform(dice: Array, low: float, high: float) -> float:
    """The next number of the stream ``dice`` (1,) uint64, in [low, high)."""
    dice[0] += GOLDEN
    z = dice[0]
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    z = z ^ (z >> S31)
    return low + (high - low) * (float(z >> S11) / 9007199254740992.0)


@kernel
def whole(dice: Array, count: int) -> int:
    """One of 0 ... count - 1."""
    return int(uniform(dice, 0.0, float(count)))


@kernel
def normal(dice: Array) -> float:
    """A standard normal number (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(dice, 0.0, 1.0)))
    return radius * math.cos(uniform(dice, 0.0, 2.0 * math.pi))
