"""From deflection to wish: dead zone, curve, speed and filter. Pure functions, and one filter with a memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robot_rl.core.records import Array


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """How a device's deflection becomes motion, and how a hand's motion becomes the arm's."""

    dead_zone: float = 0.08
    """Deflection below which nothing moves, in [0, 1)."""
    curve: float = 1.5
    """Exponent of the deflection beyond the dead zone: above 1, small motions are finer."""
    speed: float = 1.0
    """Share of the task's full speed at full deflection, translation, in (0, 1]."""
    turn_speed: float = 1.0
    """The same for rotation."""
    slow: float = 0.3
    """Further share while the slow button is held."""
    smoothing: float = 0.05
    """Time constant of the low-pass filter [s]; 0: none."""
    hand_scale: float = 1.0
    """Way of the arm per way of the hand, for devices that are moved through space."""
    leash: float = 0.15
    """A hand that runs ahead of the arm by more than this [m] slips, so that the arm stops soon after the hand."""
    yaw: float = 0.0
    """Where the person stands: turn of her forward from the base's x axis, about z [rad]."""


def dead_zone(vector: Array, width: float, curve: float) -> Array:
    """A deflection (k,) with none inside ``width`` and full at 1, along the same direction and without a jump."""
    length = float(np.linalg.norm(vector))
    if length <= width:
        return np.zeros_like(vector)
    share = ((min(length, 1.0) - width) / (1.0 - width)) ** curve
    return vector * (share / length)


def shape(axes: Array, shaping: Shaping, *, slow: bool = False) -> Array:
    """Wish (6,) in the base's axes, as shares of the task's full speed, from a deflection (6,) in the person's."""
    factor = shaping.slow if slow else 1.0
    move = dead_zone(axes[:3], shaping.dead_zone, shaping.curve) * shaping.speed
    turn = dead_zone(axes[3:], shaping.dead_zone, shaping.curve) * shaping.turn_speed
    rotation = yaw_matrix(shaping.yaw)
    return factor * np.concatenate([rotation @ move, rotation @ turn])


def yaw_matrix(angle: float) -> Array:
    """Rotation (3, 3) about z by ``angle`` [rad]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def limit(vector: Array) -> Array:
    """``vector`` (k,) shortened so that no entry exceeds 1, in the same direction."""
    return vector / max(1.0, float(np.abs(vector).max(initial=0.0)))


class LowPass:
    """First order, exact for any time between two values."""

    def __init__(self, time_constant: float) -> None:
        self.time_constant = time_constant
        self.reset()

    def reset(self) -> None:
        """Forget: the next value passes as it is."""
        self._value: Array | None = None
        self._stamp = 0.0

    def __call__(self, value: Array, now: float) -> Array:
        """The filtered value at ``now`` [s]."""
        if self._value is None or self.time_constant <= 0.0:
            self._value = value
        else:
            share = -math.expm1(-max(0.0, now - self._stamp) / self.time_constant)
            self._value = self._value + share * (value - self._value)
        self._stamp = now
        return self._value
