"""The Panda's body as capsules, a little larger than the arm, for the collision check."""

from __future__ import annotations

import math
from collections.abc import Sequence

from controllers.guard.collision import FLOOR, Capsule, Obstacle, Shape, make_shape

SLANT = math.sqrt(0.5)
"""The hand is turned by 45 degrees about the flange's axis."""


def _across(half: float, z: float, radius: float) -> Capsule:
    """A capsule along the direction in which the fingers open, in link7's frame."""
    x = half * SLANT
    return Capsule(link=6, a=(-x, -x, z), b=(x, x, z), radius=radius)


CAPSULES = (
    Capsule(link=-1, a=(-0.08, 0.0, 0.06), b=(0.0, 0.0, 0.06), radius=0.08),
    Capsule(link=0, a=(0.0, 0.0, -0.27), b=(0.0, 0.0, -0.05), radius=0.065),
    Capsule(link=1, a=(0.0, 0.0, -0.06), b=(0.0, 0.0, 0.06), radius=0.065),
    Capsule(link=2, a=(0.0, 0.0, -0.22), b=(0.0, 0.0, -0.07), radius=0.065),
    Capsule(link=3, a=(0.0, 0.0, -0.06), b=(0.0, 0.0, 0.06), radius=0.065),
    Capsule(link=4, a=(0.0, 0.0, -0.31), b=(0.0, 0.0, -0.21), radius=0.065),
    Capsule(link=4, a=(0.0, 0.08, -0.2), b=(0.0, 0.08, -0.06), radius=0.035),
    Capsule(link=5, a=(0.0, 0.0, -0.07), b=(0.0, 0.0, 0.01), radius=0.055),
    Capsule(link=6, a=(0.0, 0.0, -0.06), b=(0.0, 0.0, 0.08), radius=0.05),
    _across(0.06, 0.147, 0.045),
    _across(0.03, 0.2, 0.02),
)
"""Foot, links 1 to 7, hand, fingers."""
FOOT, UPPER, SHOULDER, HAND, FINGERS = 0, (1, 3), 2, 9, 10
PAIRS = tuple(
    [(FOOT, other) for other in (5, 6, 7, 8, HAND, FINGERS)]
    + [(upper, other) for upper in (*UPPER, SHOULDER) for other in (6, 7, 8, HAND, FINGERS)]
    + [(upper, 5) for upper in (1, 2)]
)
"""Capsules that can meet; neighbours cannot."""


def table(height: float = 0.0) -> Obstacle:
    """A table whose top is ``height`` [m] above the base."""
    return Obstacle(kind=FLOOR, pos=(0.0, 0.0, height))


def panda_shape(obstacles: Sequence[Obstacle] = ()) -> Shape:
    """The Panda among ``obstacles``; its fingers, and what they hold, may touch them."""
    return make_shape(CAPSULES, PAIRS, obstacles, exempt=FINGERS)
