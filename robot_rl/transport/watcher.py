"""The actor's thread that receives weights, the newest only, and the learner's wishes."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError

from robot_rl.core.errors import CheckpointError
from robot_rl.transport.experience_pb2 import Manifest, News, WatchRequest
from robot_rl.transport.service import Stub
from robot_rl.transport.versions import SCHEMA
from robot_rl.transport.weights import Unpacker, Weights, is_chunk

RETRY = 0.1


@dataclass(frozen=True, kw_only=True)
class LearnerStatus:
    """What the learner last asked of its actors."""

    connected: bool = False
    finished: bool = False
    """Stop acting."""
    paused: bool = False
    """Wait: the learner may not learn from more steps yet."""


class Watcher(threading.Thread):
    """Keeps the newest weights ready for the control thread; older ones are dropped unread."""

    def __init__(self, actor: str, stub: Stub) -> None:
        super().__init__(name="experience-watcher", daemon=True)
        self.newest: Weights | None = None
        self.status = LearnerStatus()
        self.changed = threading.Condition()
        """Notified with every new status and version."""
        self.damaged = 0
        """Number of versions that did not match their checksum."""
        self._actor = actor
        self._stub = stub
        self._call: grpc.Call | None = None
        self._has: queue.SimpleQueue[WatchRequest | None] = queue.SimpleQueue()
        """What the learner is told, for as long as a call lasts; None ends it."""
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._call is not None:
            self._call.cancel()
        self.join(2.0)

    def run(self) -> None:
        """Follow the learner until ``stop``; after a loss of the connection, again."""
        while not self._stopping.is_set():
            self._has = queue.SimpleQueue()
            self._tell()
            self._call = self._stub.watch(iter(self._has.get, None), wait_for_ready=True)
            try:
                if self._stopping.is_set():
                    return
                self._follow(self._call)
            except grpc.RpcError:
                pass
            except (CheckpointError, DecodeError):
                self.damaged += 1
                self._call.cancel()
            finally:
                self._has.put(None)
            self._set(status=LearnerStatus(finished=self.status.finished))
            self._stopping.wait(RETRY)

    def _follow(self, call: grpc.Call) -> None:
        coming = Unpacker(Manifest())
        for message in call:
            if is_chunk(message):
                coming.add(message)
            else:
                news = News.FromString(message)
                if news.HasField("status"):
                    self._set(status=_status(news))
                    continue
                coming = Unpacker(news.manifest)
            if coming.complete:
                self._set(newest=coming.weights())
                self._tell()

    def _tell(self) -> None:
        """Say what is here: only then the learner sends the next version."""
        version = self.newest.version if self.newest else 0
        self._has.put(WatchRequest(actor=self._actor, version=version, schema=SCHEMA))

    def _set(self, *, status: LearnerStatus | None = None, newest: Weights | None = None) -> None:
        with self.changed:
            self.status = status or self.status
            self.newest = newest or self.newest
            self.changed.notify_all()


def _status(news: News) -> LearnerStatus:
    return LearnerStatus(connected=True, finished=news.status.finished, paused=news.status.paused)
