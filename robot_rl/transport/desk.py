"""The learner's side of the weights: the newest version and the latest wishes, for every actor that watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import grpc
from numpy.typing import NDArray

from robot_rl.transport.experience_pb2 import News, Status, WatchRequest
from robot_rl.transport.weights import Packed


class Watching(threading.Thread):
    """Follows what an actor says it has: one version at a time is on its way to it."""

    def __init__(self, requests: Iterator[WatchRequest], version: int, desk: Desk) -> None:
        super().__init__(name="experience-watching", daemon=True)
        self.version = version
        self._requests, self._desk = requests, desk
        self._silent = False

    def has(self, version: int) -> bool:
        """Whether it has that version, or never says what it has."""
        return self._silent or self.version >= version

    def run(self) -> None:
        """Until the call ends."""
        with suppress(grpc.RpcError):
            for request in self._requests:
                self.version = request.version
                self._desk.wake()
            self._silent = True
            self._desk.wake()


class Desk:
    """The newest weights and the latest wishes, for all watching actors."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.newest: Packed | None = None
        self.status = Status()
        self.watchers = 0
        self.closed = False
        self._version = 0

    def publish(self, tensors: Mapping[str, NDArray]) -> int:
        packed = Packed(tensors)
        with self.changed:
            self._version += 1
            packed.version = self._version
            self.newest = packed
            self.changed.notify_all()
            return self._version

    def ask(self, status: Status) -> None:
        if status != self.status:
            with self.changed:
                self.status = status
                self.changed.notify_all()

    def count(self, change: int) -> None:
        with self.changed:
            self.watchers += change

    def wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def watch(self, actor: Watching, schema: int, alive: Callable[[], bool]) -> Iterator[bytes]:
        """Encoded news for one actor."""
        version = actor.version
        self._renumber(version)
        told: Status | None = None
        while alive():
            status, packed = self._wait(told, version, actor)
            if status != told:
                told = status
                yield News(status=status).SerializeToString()
            if packed is not None:
                version = packed.version
                yield from packed.messages(schema)
            if self.closed:
                return

    def _wait(self, told: Status | None, sent: int, actor: Watching) -> tuple[Status, Packed | None]:
        """Wait for something to tell. Returns the wishes, and the weights if the actor may get newer ones."""

        def due() -> bool:
            return self.newest is not None and self.newest.version > sent and actor.has(sent)

        with self.changed:
            self.changed.wait_for(lambda: self.closed or told != self.status or due(), 1.0)
            return self.status, self.newest if due() else None

    def _renumber(self, version: int) -> None:
        """A learner that was restarted counts on from what its actors have."""
        with self.changed:
            if version <= self._version:
                return
            self._version = version
            if self.newest is not None:
                self._version += 1
                self.newest.version = self._version
