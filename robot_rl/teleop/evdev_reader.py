"""Gamepads and keyboards through the kernel's event devices (/dev/input/event*)."""

from __future__ import annotations

import contextlib
import os
import select
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from robot_rl.core.errors import ConnectionLostError, MissingDependencyError
from robot_rl.teleop import keys, pad
from robot_rl.teleop.reader import Reader
from robot_rl.teleop.sample import Inbox

EVENT = struct.Struct("llHHi")
"""The kernel's ``struct input_event``: seconds, microseconds, type, code, value."""
EV_SYN, EV_KEY, EV_ABS = 0, 1, 3
SYN_REPORT, SYN_DROPPED = 0, 3
WAIT = 0.05
"""Longest wait for an event [s]."""
ABS_LEFT, ABS_RIGHT, ABS_TRIGGERS, ABS_HAT = (0, 1), (3, 4), (2, 5), (16, 17)
BUTTONS = {
    304: "a", 305: "b", 307: "x", 308: "y", 310: "lb", 311: "rb", 312: "lt", 313: "rt", 314: "back", 315: "start",
    317: "ls", 318: "rs",
}  # fmt: skip
KEYS = {
    1: "escape", 14: "backspace", 16: "q", 17: "w", 18: "e", 19: "r", 20: "t", 25: "p", 28: "enter", 30: "a", 31: "s",
    32: "d", 33: "f", 34: "g", 35: "h", 37: "k", 42: "shift", 45: "x", 54: "shift", 57: "space", 96: "enter",
    103: "up", 105: "left", 106: "right", 108: "down", 111: "delete",
}  # fmt: skip
"""Codes of linux/input-event-codes.h -> our names."""


@dataclass(frozen=True)
class Range:
    """What an axis of a gamepad can say."""

    low: int
    high: int
    value: int = 0

    def share(self, value: int) -> float:
        """``value`` within the range, in [-1, 1]."""
        span = max(1, self.high - self.low)
        return min(max(2.0 * (value - self.low) / span - 1.0, -1.0), 1.0)


class Decoder(Protocol):
    """Understands the events of one kind of device."""

    def feed(self, kind: int, code: int, value: int) -> None: ...
    def report(self, inbox: Inbox) -> None:
        """All events of one instant have come: say what they add up to."""
        ...

    def forget(self) -> None:
        """The kernel lost events: what is held is not known any more."""
        ...


class PadDecoder:
    """A gamepad, as the kernel's driver reports it. ``ranges``: axis code -> what it can say."""

    def __init__(self, ranges: Mapping[int, Range]) -> None:
        self.ranges = ranges
        self.values = {code: axis.share(axis.value) for code, axis in ranges.items()}
        self.down: set[str] = set()

    def feed(self, kind: int, code: int, value: int) -> None:
        """Take one event in."""
        if kind == EV_ABS and code in self.ranges:
            self.values[code] = self.ranges[code].share(value)
        elif kind == EV_KEY and code in BUTTONS:
            (self.down.add if value else self.down.discard)(BUTTONS[code])

    def report(self, inbox: Inbox) -> None:
        """Sticks, triggers and buttons of now."""
        left, right, hat = (self._pair(codes) for codes in (ABS_LEFT, ABS_RIGHT, ABS_HAT))
        inbox.put_axes(pad.axes_of(left, right, hat))
        pulled = {
            name
            for name, code in zip(("lt", "rt"), ABS_TRIGGERS, strict=True)
            if (self.values.get(code, -1.0) + 1.0) / 2.0 > pad.PULLED
        }
        inbox.put_buttons(frozenset(self.down | pulled))

    def forget(self) -> None:
        """Nothing is held, no stick is deflected."""
        self.values = {code: (-1.0 if code in ABS_TRIGGERS else 0.0) for code in self.ranges}
        self.down.clear()

    def _pair(self, codes: tuple[int, int]) -> tuple[float, float]:
        return self.values.get(codes[0], 0.0), self.values.get(codes[1], 0.0)


class KeyDecoder:
    """A keyboard."""

    def __init__(self) -> None:
        self.down: set[int] = set()

    def feed(self, kind: int, code: int, value: int) -> None:
        """Take one event in; a value of 2 is the kernel repeating a key that is held."""
        if kind == EV_KEY and code in KEYS:
            (self.down.add if value else self.down.discard)(code)

    def report(self, inbox: Inbox) -> None:
        """The keys of now."""
        names = frozenset(KEYS[code] for code in self.down)
        inbox.put_axes(keys.axes_of(names))
        inbox.put_buttons(names)

    def forget(self) -> None:
        """Nothing is held."""
        self.down.clear()


class EventPort:
    """An open event device: whole ``struct input_event`` from a file descriptor, in reports."""

    def __init__(self, descriptor: int, decoder: Decoder, inbox: Inbox, close: Callable[[], None]) -> None:
        self.descriptor, self.decoder, self.inbox, self._close = descriptor, decoder, inbox, close
        self._rest = b""
        self._dropped = False

    def poll(self) -> None:
        """Wait a little for events; ``OSError`` when the device is gone."""
        if select.select([self.descriptor], [], [], WAIT)[0]:
            data = os.read(self.descriptor, 64 * EVENT.size)
            if not data:
                raise OSError("the device was closed")
            self._take(self._rest + data)
        self.inbox.alive()

    def _take(self, data: bytes) -> None:
        whole = len(data) // EVENT.size * EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind != EV_SYN:
                if not self._dropped:
                    self.decoder.feed(kind, code, value)
            elif code == SYN_DROPPED:
                self._dropped = True
                self.decoder.forget()
            elif code == SYN_REPORT:
                self._dropped = False
                self.decoder.report(self.inbox)

    def close(self) -> None:
        """Let it go."""
        with contextlib.suppress(OSError):
            self._close()


def gamepad() -> Reader:
    """The first gamepad of this machine."""
    return Reader("gamepad", lambda inbox: _open("gamepad", _is_pad, _pad_decoder, inbox))


def keyboard() -> Reader:
    """The first keyboard of this machine. Other programs hear it too: Ctrl-C must always work."""
    return Reader("keyboard", lambda inbox: _open("keyboard", _is_keyboard, lambda _: KeyDecoder(), inbox))


def _open(
    name: str, fits: Callable[[Mapping[int, Any]], bool], decoder: Callable[[Any], Decoder], inbox: Inbox
) -> EventPort:
    try:
        import evdev
    except ImportError:
        raise MissingDependencyError("evdev is missing: pip install 'robot-rl[teleop]'") from None
    for path in evdev.list_devices():
        device = evdev.InputDevice(path)
        if fits(device.capabilities()):
            return EventPort(device.fd, decoder(device), inbox, device.close)
        device.close()
    hint = "plug one in, and put your user in the group input (docs/teleoperation.md)"
    raise ConnectionLostError(f"no {name} among /dev/input/event*: {hint}")


def _is_pad(capabilities: Mapping[int, Any]) -> bool:
    return 304 in capabilities.get(EV_KEY, ()) and EV_ABS in capabilities


def _is_keyboard(capabilities: Mapping[int, Any]) -> bool:
    return {17, 30, 28, 57} <= set(capabilities.get(EV_KEY, ()))


def _pad_decoder(device: Any) -> PadDecoder:  # noqa: ANN401  (evdev.InputDevice, which may not be installed)
    axes = device.capabilities().get(EV_ABS, ())
    return PadDecoder({code: Range(info.min, info.max, info.value) for code, info in axes})
