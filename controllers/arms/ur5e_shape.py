"""The UR5e's body as capsules, a little larger than the arm, for the collision check.

Lengths are those of the manufacturer's kinematic table (``ur5e``). Radii are estimates of its outline, rounded up: no
table of them is published; measure the arm at hand before an obstacle stands close. What it holds is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.guard.collision import Capsule, Obstacle, Shape, make_shape

CAPSULES = (
    Capsule(link=-1, a=(0.0, 0.0, 0.03), b=(0.0, 0.0, 0.1), radius=0.08),
    Capsule(link=0, a=(0.0, 0.0, -0.04), b=(0.0, 0.0, 0.02), radius=0.075),
    Capsule(link=1, a=(0.0, 0.0, 0.05), b=(0.0, 0.0, 0.15), radius=0.075),
    Capsule(link=1, a=(0.0, 0.0, 0.138), b=(-0.425, 0.0, 0.138), radius=0.065),
    Capsule(link=2, a=(0.0, 0.0, 0.0), b=(0.0, 0.0, 0.14), radius=0.065),
    Capsule(link=2, a=(0.0, 0.0, 0.007), b=(-0.3922, 0.0, 0.007), radius=0.055),
    Capsule(link=3, a=(0.0, 0.0, -0.09), b=(0.0, 0.0, 0.0), radius=0.05),
    Capsule(link=4, a=(0.0, 0.0, -0.05), b=(0.0, 0.0, 0.01), radius=0.05),
    Capsule(link=5, a=(0.0, 0.0, -0.05), b=(0.0, 0.0, 0.0), radius=0.045),
)
"""Foot, shoulder, the upper arm's joint and tube, elbow, forearm, and the three wrists."""
FOOT, SHOULDER, JOINT, UPPER, ELBOW, FOREARM, WRIST_1, WRIST_2, WRIST_3 = range(9)
PAIRS = tuple(
    [(body, other) for body in (FOOT, SHOULDER) for other in (FOREARM, WRIST_1, WRIST_2, WRIST_3)]
    + [(body, other) for body in (JOINT, UPPER) for other in (WRIST_1, WRIST_2, WRIST_3)]
    + [(FOOT, ELBOW), (ELBOW, WRIST_2), (ELBOW, WRIST_3), (FOREARM, WRIST_3)]
)
"""Capsules that can meet; neighbours cannot."""


def ur5e_shape(obstacles: Sequence[Obstacle] = ()) -> Shape:
    """The UR5e among ``obstacles``; its last wrist, and what it holds, may touch them."""
    return make_shape(CAPSULES, PAIRS, obstacles, exempt=WRIST_3)
