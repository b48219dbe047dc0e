"""The learner's logs: one file per life of an actor."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import grpc

from robot_rl.core.errors import DatasetError, RobotRLError, SpecError
from robot_rl.core.spec import Spec
from robot_rl.transport.codec import spec_json
from robot_rl.transport.examine import Examiner
from robot_rl.transport.experience_pb2 import Header
from robot_rl.transport.intake import Arrival, Intake, Refused, Rules
from robot_rl.transport.limits import Limits, Quota
from robot_rl.transport.record_log import RecordLog
from robot_rl.transport.versions import agree

CHECKED = 64 << 20
"""Bytes at the end of a log that are checked when it is opened: more than may be lost with the power."""
UUID = re.compile(r"[0-9a-f]{32}")
GREETED = 256
"""Streams that said hello and sent nothing yet; the oldest is forgotten and must say hello again."""


class Inbox:
    """All streams of all actors."""

    def __init__(self, folder: Path, spec: Spec, limits: Limits | None = None) -> None:
        self.error: RobotRLError | None = None
        """Why records could not be written, or None."""
        self._folder, self._spec = folder, spec_json(spec)
        for leftover in folder.glob("*.tmp"):
            leftover.unlink()
        limits = limits or Limits()
        self._rules = Rules(Examiner(spec), limits, Quota(folder, limits))
        self._lock = threading.Lock()
        self._streams: dict[str, Intake] = {}
        self._greeted: OrderedDict[str, Intake] = OrderedDict()
        for path in sorted(folder.glob("*.log")):
            log = RecordLog.open(path, CHECKED)
            if log.header.spec != self._spec:
                log.close()
                raise SpecError(f"learner log {folder} is of another task: choose another folder")
            agree(log.header)
            log.close()
            self._streams[log.header.stream] = Intake(log.header, path, self._rules, log)

    def deliver_to(self, on_record: Callable[[Arrival], None]) -> None:
        """Give every new record to ``on_record``, in order per stream."""
        self._rules.on_record = on_record

    def recorded(self) -> Iterator[Arrival]:
        """Everything on disk, stream by stream in the order of their first day."""
        for stream in list(self._streams.values()):
            yield from _arrivals(stream)

    def streams(self) -> dict[str, Iterator[Arrival]]:
        """The same, each stream by itself, in the order of their first day."""
        return {name: log(0) for name, log in self.logs().items()}

    def logs(self) -> dict[str, Callable[[int], Iterator[Arrival]]]:
        """Stream -> what gives its records from a number on, in the order of their first day."""
        return {name: partial(_arrivals, stream) for name, stream in self._streams.items()}

    def hello(self, header: Header) -> tuple[int, int]:
        """Open a stream; returns the highest sequence number that is on disk, and the schema that both ends know."""
        if not (UUID.fullmatch(header.stream) and UUID.fullmatch(header.actor)):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "actor and stream must be uuids of 32 hex digits")
        try:
            schema = agree(header)
        except SpecError as error:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, str(error)) from error
        if header.spec != self._spec:
            line = "actor and learner disagree on observations or actions: start both with one task and one base policy"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, line)
        with self._lock:
            self._check_room(header.actor)
            stream = self._find(header.stream)
            if stream is None:
                path = self._folder / f"{header.created_ns:020d}-{header.stream}.log"
                stream = self._greeted[header.stream] = Intake(header, path, self._rules)
                if len(self._greeted) > GREETED:
                    self._greeted.popitem(last=False)
            elif stream.header.actor != header.actor:
                raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "this stream is another actor's: remove its spool")
        return stream.durable(), schema

    def receive(self, name: str, batches: Iterator[bytes]) -> Iterator[int]:
        """Append batches; yields the highest sequence number on disk whenever it has grown."""
        with self._lock:
            stream = self._find(name)
            if stream is None:
                raise Refused(grpc.StatusCode.UNAVAILABLE, "the stream is not open: say hello first")
            self._check_room(stream.header.actor)
            self._streams[name] = self._greeted.pop(name, stream)
        try:
            yield from stream.receive(batches)
        except DatasetError as error:
            self.error = error
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        finally:
            with self._lock:
                if stream.last == 0 and not stream.busy:
                    self._streams.pop(name, None)

    def _find(self, name: str) -> Intake | None:
        return self._streams.get(name) or self._greeted.get(name)

    def _check_room(self, actor: str) -> None:
        """``Refused`` if ``actor`` would be one too many at once."""
        busy = {stream.header.actor for stream in self._streams.values() if stream.busy}
        if len(busy - {actor}) >= self._rules.limits.actors:
            line = f"the learner serves {self._rules.limits.actors} actors already: stop one, or raise its limit"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, line)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for stream in self._streams.values():
                stream.close()


def _arrivals(stream: Intake, first: int = 0) -> Iterator[Arrival]:
    header = stream.header
    for seq, payload in stream.log.payloads(first) if stream.log else ():
        yield Arrival(header.actor, header.stream, seq, payload)
    stream.rest()
