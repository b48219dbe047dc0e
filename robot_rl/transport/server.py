"""The learner's end of the wire: every record is appended to a log on disk, then acknowledged, then learnt from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from numpy.typing import NDArray

from robot_rl.core.errors import RobotRLError
from robot_rl.core.spec import Spec
from robot_rl.transport.access import Credentials, Doorkeeper
from robot_rl.transport.channel import SERVER_OPTIONS, check_address, listen
from robot_rl.transport.codec import observation_size
from robot_rl.transport.desk import Desk, Watching
from robot_rl.transport.experience_pb2 import Ack, Header, HelloReply, Status, WatchRequest
from robot_rl.transport.inbox import Inbox
from robot_rl.transport.intake import Arrival, Refused
from robot_rl.transport.limits import Limits
from robot_rl.transport.service import handler
from robot_rl.transport.spool import lock_folder
from robot_rl.transport.versions import OLDEST

WORKERS = 64
"""Streams at once; an actor has two."""


class ExperienceServer:
    """Receives the experience of actors and gives them weights.

    Args:
        bind: ``127.0.0.1:port``, with ``credentials`` also ``0.0.0.0:port``; port 0 takes a free one, see ``address``.
        log_dir: Where the records lie, one file per life of an actor; what is there already is kept.
        spec: What observations must look like; an actor with another spec is refused in one line.
        credentials: What it shows, and whom it serves; None: whoever is on this machine.
        limits: What it takes from them at most.
    """

    def __init__(
        self,
        bind: str,
        log_dir: Path,
        spec: Spec,
        *,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
    ) -> None:
        check_address(bind, credentials)
        observation_size(spec)
        log_dir.mkdir(parents=True, exist_ok=True)
        self._lock_fd = lock_folder(log_dir, "learner log")
        self.inbox = _open_inbox(log_dir, spec, limits, self._lock_fd)
        self.desk = Desk()
        self.address = bind
        self._bind = bind
        self._credentials = credentials
        self._server: grpc.Server | None = None

    def __enter__(self) -> ExperienceServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def recorded(self) -> Iterator[Arrival]:
        """What the log holds, stream by stream, oldest first; call it before ``start``."""
        return self.inbox.recorded()

    def start(self, on_record: Callable[[Arrival], None]) -> None:
        """Listen, and give every new record to ``on_record``, in order per actor, from the server's threads.

        ``ConfigError`` if the address is taken.
        """
        self.inbox.deliver_to(on_record)
        pool = ThreadPoolExecutor(WORKERS, "experience")
        token = self._credentials.token if self._credentials else ""
        doors: list[grpc.ServerInterceptor] = [Doorkeeper(token)] if token else []
        self._server = grpc.server(pool, interceptors=doors, options=SERVER_OPTIONS, maximum_concurrent_rpcs=WORKERS)
        self._server.add_generic_rpc_handlers((handler(_Service(self.inbox, self.desk)),))
        self.address = listen(self._server, self._bind, self._credentials)
        self._server.start()

    def publish(self, tensors: Mapping[str, NDArray]) -> int:
        """Give actors these weights instead of all earlier ones. Returns their version."""
        return self.desk.publish(tensors)

    def ask(self, *, finished: bool, paused: bool) -> None:
        """Ask actors to stop, or to wait; costs nothing when they were asked already."""
        self.desk.ask(Status(finished=finished, paused=paused))

    @property
    def error(self) -> RobotRLError | None:
        """Why records can no longer be kept, or None."""
        return self.inbox.error

    @property
    def watchers(self) -> int:
        """Number of actors that are connected."""
        return self.desk.watchers

    def stop(self, grace: float = 0.5) -> None:
        """Stop listening; records on their way are sent again to the next server."""
        self.desk.close()
        if self._server is not None:
            self._server.stop(grace).wait(grace + 2.0)
            self._server = None
        self.inbox.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def _open_inbox(log_dir: Path, spec: Spec, limits: Limits | None, lock_fd: int) -> Inbox:
    try:
        return Inbox(log_dir, spec, limits)
    except Exception:
        os.close(lock_fd)
        raise


class _Service:
    """Turns calls into calls of the inbox and the desk."""

    def __init__(self, inbox: Inbox, desk: Desk) -> None:
        self._inbox, self._desk = inbox, desk

    def hello(self, request: Header, context: grpc.ServicerContext) -> HelloReply:
        try:
            durable, schema = self._inbox.hello(request)
            return HelloReply(durable=durable, schema=schema)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    def push(self, batches: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Ack]:
        stream = dict(context.invocation_metadata()).get("stream", "")
        try:
            for durable in self._inbox.receive(str(stream), batches):
                yield Ack(durable=durable)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    def watch(self, requests: Iterator[WatchRequest], context: grpc.ServicerContext) -> Iterator[bytes]:
        first = next(requests, None)
        if first is None:
            return
        actor = Watching(requests, first.version, self._desk)
        self._desk.count(1)
        try:
            actor.start()
            yield from self._desk.watch(actor, first.schema or OLDEST, context.is_active)
        finally:
            self._desk.count(-1)
