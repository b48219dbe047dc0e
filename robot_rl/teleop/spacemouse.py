"""A 3Dconnexion SpaceMouse, through pyspacemouse and hidapi."""

from __future__ import annotations

import contextlib
import io
import time
from typing import Any

import numpy as np

from robot_rl.core.errors import ConnectionLostError, MissingDependencyError
from robot_rl.core.teleop import Event
from robot_rl.teleop.bindings import Bindings
from robot_rl.teleop.reader import Reader
from robot_rl.teleop.sample import Inbox

BINDINGS = Bindings(
    motion={"cap": "the tool goes and turns as the cap is pushed and turned"},
    grip=frozenset({"left"}),
    press={"right": Event.SUCCESS},
    hold={"left": Event.FAILURE, "right": Event.RERECORD},
)
POLL = 0.004
"""Time between two looks for reports [s]; the device sends one every 8 ms while it is moved."""
AXES = ("x", "y", "z", "roll", "pitch", "yaw")
NAMES = ("left", "right")
HIDAPI = "the library hidapi is missing: sudo apt-get install libhidapi-hidraw0"


def spacemouse() -> Reader:
    """The first SpaceMouse of this machine."""
    return Reader("spacemouse", lambda inbox: SpaceMousePort(open_spacemouse(), inbox))


def open_spacemouse() -> Any:  # noqa: ANN401  (pyspacemouse.SpaceMouseDevice, which may not be installed)
    """pyspacemouse's device, with axes as ROS has them: x forward, y left, z up."""
    try:
        import pyspacemouse
    except ImportError:
        raise MissingDependencyError("pyspacemouse is missing: pip install 'robot-rl[teleop]'") from None
    except (OSError, AttributeError):
        raise MissingDependencyError(HIDAPI) from None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return pyspacemouse.open(axis_convention=pyspacemouse.AxisConvention.ROS)
    except (RuntimeError, ValueError, NameError) as error:
        if isinstance(error, NameError) or "not installed" in str(error):
            raise MissingDependencyError(HIDAPI) from None
        hint = "plug a SpaceMouse in, and let your user read /dev/hidraw* (docs/teleoperation.md)"
        raise ConnectionLostError(f"no SpaceMouse ({error}): {hint}") from None


class SpaceMousePort:
    """An open SpaceMouse. Its reports come one by one, translation and rotation apart; an idle one is silent."""

    def __init__(self, device: Any, inbox: Inbox) -> None:  # noqa: ANN401
        self.device, self.inbox = device, inbox

    def poll(self) -> None:
        """Take every report that waits."""
        try:
            before = None
            state = self.device.read()
            while state.t != before:
                before = state.t
                self._take(state)
                state = self.device.read()
        except Exception as error:  # hidapi's own class, which cannot be named where it is not installed
            raise OSError(str(error)) from error
        self.inbox.alive()
        time.sleep(POLL)

    def _take(self, state: Any) -> None:  # noqa: ANN401
        self.inbox.put_axes(np.array([getattr(state, axis) for axis in AXES]))
        down = [NAMES[i] if i < 2 else f"button {i + 1}" for i, pressed in enumerate(state.buttons) if pressed]
        self.inbox.put_buttons(frozenset(down))

    def close(self) -> None:
        """Let it go."""
        with contextlib.suppress(Exception):
            self.device.close()
