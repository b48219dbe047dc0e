"""A browser as a device: its keyboard, its gamepad (Gamepad API), and a headset or phone (WebXR), over a websocket.

Messages of a page, all JSON objects: ``{"event": NAME}`` from anyone; ``{"drive": true}`` asks to be the one page that
moves the arm; from that page ``{"keys": [...], "pad": {"axes": [...], "buttons": [...]} | null}`` and
``{"xr": {"pose": [7] | null, "squeeze": bool, "trigger": 0..1, "buttons": [...]} | null}``, each 30 times a second:
a page that falls silent has lost the arm.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from robot_rl.core.records import Array
from robot_rl.core.teleop import Event
from robot_rl.teleop import keys, pad
from robot_rl.teleop.bindings import Bindings
from robot_rl.teleop.sample import Inbox, Sample

CLUTCH = "clutch"
"""A made-up button: down while the person wants to move the arm, whichever of her devices she uses."""
XR_BUTTONS = {"xr a": Event.SUCCESS, "xr b": Event.FAILURE, "xr stick": Event.RERECORD}
BINDINGS = Bindings(
    motion={
        **keys.BINDINGS.motion,
        **{f"pad {k}": v for k, v in pad.BINDINGS.motion.items()},
        "xr squeeze": "the tool follows the hand",
    },
    press={**keys.BINDINGS.press, **{f"pad {k}": e for k, e in pad.BINDINGS.press.items()}, **XR_BUTTONS},
    hold={f"pad {k}": e for k, e in pad.BINDINGS.hold.items()},
    grip=keys.BINDINGS.grip | {"xr grip"},
    close=frozenset({"pad rt"}),
    open=frozenset({"pad lt"}),
    clutch=frozenset({CLUTCH}),
    slow=keys.BINDINGS.slow | {"pad lb"},
)


def numbers(value: object, count: int) -> list[float] | None:
    """``value`` as that many finite numbers, or None."""
    if not isinstance(value, list) or len(value) < count:
        return None
    try:
        found = [float(v) for v in value[:count]]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if np.isfinite(found).all() else None


def _names(value: object) -> frozenset[str]:
    """The strings in ``value``, if it is a list."""
    return frozenset(v for v in value if isinstance(v, str)) if isinstance(value, list) else frozenset()


def to_z_up(pose: Sequence[float]) -> Array:
    """A WebXR pose (7,), x right, y up, z backwards, as one with x forward, y left, z up."""
    x, y, z, qx, qy, qz, qw = pose
    return np.array([-z, -x, y, -qz, -qx, qy, qw])


def pad_input(message: object) -> tuple[Array, frozenset[str]]:
    """Deflection (6,) and buttons of a standard gamepad's axes and button values."""
    data: Mapping[str, Any] = message if isinstance(message, dict) else {}
    sticks, values = numbers(data.get("axes"), 4), numbers(data.get("buttons"), len(pad.STANDARD))
    if sticks is None or values is None:
        return np.zeros(6), frozenset()
    down = {name for name, value in zip(pad.STANDARD, values, strict=True) if value > pad.PULLED}
    cross = (float("right" in down) - float("left" in down), float("down" in down) - float("up" in down))
    axes = pad.axes_of((sticks[0], sticks[1]), (sticks[2], sticks[3]), cross)
    held = "rb" in down
    names = frozenset(f"pad {name}" for name in down) | ({CLUTCH} if held else frozenset())
    return (axes if held else np.zeros(6)), names


class Browser:
    """A ``Device``, an ``EventSource``, and the ``Listener`` of the web server that feeds both."""

    def __init__(self, name: str = "browser") -> None:
        self.name = name
        self.inbox = Inbox()
        self.driver: int | None = None
        """The page that moves the arm."""
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._by_kind: dict[str, frozenset[str]] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.inbox.lost()

    def sample(self) -> Sample:
        """What the driving page has said since the last sample."""
        sample = self.inbox.take()
        return sample if self.driver is not None else replace(sample, stamp=-np.inf)

    def events(self) -> Sequence[Event]:
        """What any page has said since the last time."""
        with self._lock:
            events, self._events = self._events, []
        return events

    def on_message(self, client: int, message: dict[str, Any]) -> None:
        """Take one message in; what is not understood is left out."""
        if isinstance(message.get("event"), str) and message["event"] in set(Event):
            with self._lock:
                self._events.append(Event(message["event"]))
        if "drive" in message:
            self._drive(client, bool(message["drive"]))
        if client != self.driver:
            return
        if "keys" in message or "pad" in message:
            self._take_input(message)
        if "xr" in message:
            self._take_xr(message["xr"])

    def on_close(self, client: int) -> None:
        """A page has gone; if it had the arm, nobody has."""
        self._drive(client, False)

    def _drive(self, client: int, wanted: bool) -> None:
        if wanted and self.driver is None:
            self.driver = client
        elif not wanted and self.driver == client:
            self.driver = None
            self._by_kind.clear()
            self.inbox.lost()

    def _take_input(self, message: Mapping[str, Any]) -> None:
        pressed = message.get("keys")
        names = _names(pressed) & keys.KEYS
        axes, buttons = pad_input(message.get("pad"))
        clutch = {CLUTCH} if names & keys.MOTION.keys() else frozenset()
        self.inbox.put_axes(keys.axes_of(names) + axes)
        self._press("input", names | clutch | buttons)

    def _take_xr(self, message: object) -> None:
        data: Mapping[str, Any] = message if isinstance(message, dict) else {}
        pose, trigger = numbers(data.get("pose"), 7), numbers([data.get("trigger")], 1)
        self.inbox.put_pose(None if pose is None else to_z_up(pose), None if trigger is None else trigger[0])
        names = frozenset(f"xr {name}" for name in _names(data.get("buttons")))
        held = data.get("squeeze") is True and pose is not None
        self._press("xr", names | ({CLUTCH} if held else frozenset()))

    def _press(self, kind: str, names: frozenset[str]) -> None:
        self._by_kind[kind] = names
        self.inbox.put_buttons(frozenset().union(*self._by_kind.values()))
