"""A thread that reads a device, notices when it is gone, and tries again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from robot_rl.core.errors import RobotRLError
from robot_rl.teleop.sample import Inbox, Sample

RETRY = 1.0
"""Time between two attempts to find a device that is gone [s]."""


class Port(Protocol):
    """An open device."""

    def poll(self) -> None:
        """Take in what it says, for at most some tens of milliseconds; ``OSError`` when it is gone."""
        ...

    def close(self) -> None: ...


class Reader:
    """A ``Device`` read by a thread of its own.

    Args:
        name: What a person calls it.
        open_port: Opens it, and has it speak into the inbox; raises a ``RobotRLError`` with the remedy in one line.
    """

    def __init__(self, name: str, open_port: Callable[[Inbox], Port]) -> None:
        self.name = name
        self.inbox = Inbox()
        self._open_port = open_port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"teleop-{name}", daemon=True)

    def __enter__(self) -> Reader:
        self._port: Port | None = self._open_port(self.inbox)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(2.0)
        if self._port is not None:
            self._port.close()

    def sample(self) -> Sample:
        """What it has said since the last sample."""
        return self.inbox.take()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._port is None:
                    self._port = self._open_port(self.inbox)
                self._port.poll()
            except (OSError, RobotRLError):
                self.inbox.lost()
                if self._port is not None:
                    self._port.close()
                    self._port = None
                self._stopping.wait(RETRY)
