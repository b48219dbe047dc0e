"""A keyboard through the terminal that the program was started from: no key says when it comes up."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator

from robot_rl.core.errors import ConnectionLostError
from robot_rl.teleop import keys
from robot_rl.teleop.reader import Reader
from robot_rl.teleop.sample import Inbox

HELD = 0.15
"""A key counts as held for so long after each of its characters [s]; a terminal repeats faster than that."""
WAIT = 0.02
SEQUENCES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left", b"\x1b[3~": "delete",
    b"\r": "enter", b"\n": "enter", b"\x7f": "backspace", b"\x08": "backspace", b" ": "space", b"\x1b": "escape",
}  # fmt: skip


def decode(data: bytes) -> Iterator[frozenset[str]]:
    """The keys of each character or sequence; a capital letter is its key with shift."""
    while data:
        match = next((s for s in sorted(SEQUENCES, key=len, reverse=True) if data.startswith(s)), None)
        if match is not None:
            yield frozenset({SEQUENCES[match]})
            data = data[len(match) :]
            continue
        letter, data = data[:1].decode("ascii", "replace"), data[1:]
        if letter.isalpha():
            yield frozenset({letter.lower(), "shift"} if letter.isupper() else {letter})


class TerminalPort:
    """A terminal in a mode in which every key comes at once; as it was after ``close``."""

    def __init__(self, descriptor: int, inbox: Inbox) -> None:
        if not os.isatty(descriptor):
            raise ConnectionLostError("no terminal to read keys from: start this in one, or use --device webxr")
        self.descriptor, self.inbox = descriptor, inbox
        self._before = termios.tcgetattr(descriptor)
        self._until: dict[str, float] = {}
        tty.setcbreak(descriptor, termios.TCSANOW)

    def poll(self) -> None:
        """Take in the keys of the next moment."""
        if select.select([self.descriptor], [], [], WAIT)[0]:
            data = os.read(self.descriptor, 256)
            if not data:
                raise OSError("the terminal was closed")
            for names in decode(data):
                self._press(names)
        now = time.monotonic()
        self._until = {name: until for name, until in self._until.items() if until > now}
        down = frozenset(self._until)
        self.inbox.put_axes(keys.axes_of(down))
        self.inbox.put_buttons(down)

    def _press(self, names: frozenset[str]) -> None:
        """A key that is no motion goes down anew with every character."""
        again = (names & self._until.keys()) - keys.MOTION.keys() - keys.BINDINGS.slow
        if again:
            self.inbox.put_buttons(frozenset(self._until.keys() - again))
        self._until |= dict.fromkeys(names, time.monotonic() + HELD)
        self.inbox.put_buttons(frozenset(self._until))

    def close(self) -> None:
        """Give the terminal back."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._before)


def terminal(descriptor: int | None = None) -> Reader:
    """The keyboard of a terminal; None: the one of standard input."""
    number = sys.stdin.fileno() if descriptor is None else descriptor
    return Reader("keyboard in the terminal", lambda inbox: TerminalPort(number, inbox))
