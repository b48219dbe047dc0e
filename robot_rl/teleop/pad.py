"""A gamepad as a device: what its sticks and buttons mean, whoever reads it (the kernel or a browser)."""

from __future__ import annotations

import numpy as np

from robot_rl.core.records import Array
from robot_rl.core.teleop import Event
from robot_rl.teleop.bindings import Bindings

BINDINGS = Bindings(
    motion={
        "left stick": "forward, back, left, right",
        "right stick": "up, down, turn",
        "cross": "tilt and roll",
    },
    press={"y": Event.SUCCESS, "a": Event.FAILURE, "x": Event.RERECORD, "b": Event.TAKE_OVER, "back": Event.PAUSE},
    hold={"b": Event.HAND_BACK, "back": Event.RESUME, "start": Event.STOP},
    close=frozenset({"rt"}),
    open=frozenset({"lt"}),
    clutch=frozenset({"rb"}),
    slow=frozenset({"lb"}),
)
PULLED = 0.5
"""A trigger that is pulled further than this counts as a button, in [0, 1]."""
STANDARD = ("a", "b", "x", "y", "lb", "rb", "lt", "rt", "back", "start", "ls", "rs", "up", "down", "left", "right")
"""Buttons of the browser's standard gamepad, in its order."""


def axes_of(left: tuple[float, float], right: tuple[float, float], hat: tuple[float, float]) -> Array:
    """Deflection (6,) of two sticks and the cross, each (right, down) in [-1, 1].

    The left stick moves in the plane, the right one up and down and about the vertical, the cross tilts.
    """
    return np.array([-left[1], -left[0], -right[1], hat[0], -hat[1], -right[0]])
