"""A keyboard as a device: what each key means, whoever reads it (the kernel, a browser, a terminal)."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from robot_rl.core.records import Array
from robot_rl.core.teleop import Event
from robot_rl.teleop.bindings import Bindings

MOTION = {
    "w": (0, 1.0),
    "s": (0, -1.0),
    "a": (1, 1.0),
    "d": (1, -1.0),
    "r": (2, 1.0),
    "f": (2, -1.0),
    "e": (3, 1.0),
    "q": (3, -1.0),
    "down": (4, 1.0),
    "up": (4, -1.0),
    "left": (5, 1.0),
    "right": (5, -1.0),
}
"""Key -> axis (forward, left, up, turns about them) and direction."""
BINDINGS = Bindings(
    motion={
        "w s": "forward, back",
        "a d": "left, right",
        "r f": "up, down",
        "arrows": "turn and tilt",
        "q e": "roll",
    },
    press={
        "enter": Event.SUCCESS,
        "backspace": Event.FAILURE,
        "x": Event.RERECORD,
        "delete": Event.DISCARD,
        "k": Event.KEEP,
        "escape": Event.STOP,
        "t": Event.TAKE_OVER,
        "h": Event.HAND_BACK,
        "p": Event.PAUSE,
        "g": Event.RESUME,
    },
    grip=frozenset({"space"}),
    slow=frozenset({"shift"}),
)
KEYS = frozenset({*MOTION, *BINDINGS.press, *BINDINGS.grip, *BINDINGS.slow})


def axes_of(down: Set[str]) -> Array:
    """Deflection (6,) of the keys that are down."""
    axes = np.zeros(6)
    for key in down & MOTION.keys():
        axis, direction = MOTION[key]
        axes[axis] += direction
    return axes
