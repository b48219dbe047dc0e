"""The learner's logs: appends what is new, drops what it has, refuses what does not follow."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import grpc

from robot_rl.core.errors import DatasetError, RobotRLError, SpecError
from robot_rl.transport.experience_pb2 import Header
from robot_rl.transport.framing import HEADER, intact
from robot_rl.transport.record_log import RecordLog

UUID = re.compile(r"[0-9a-f]{32}")


class Arrival(NamedTuple):
    """One record as it reached the learner."""

    actor: str
    stream: str
    seq: int
    payload: bytes
    """An ``Event``."""


class Refused(RobotRLError):
    """A call cannot be served; the text goes to the actor."""

    def __init__(self, code: grpc.StatusCode, line: str) -> None:
        super().__init__(line)
        self.code = code


class Inbox:
    """All streams of all actors, one file each."""

    def __init__(self, folder: Path, spec: str) -> None:
        self.on_record: Callable[[Arrival], None] = _ignore
        """Called with every new record, in order per stream."""
        self.error: RobotRLError | None = None
        """Why records could not be written, or None."""
        self._folder, self._spec = folder, spec
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        for leftover in folder.glob("*.tmp"):
            leftover.unlink()
        for path in sorted(folder.glob("*.log")):
            log = RecordLog.open(path)
            if log.header.spec != spec:
                log.close()
                raise SpecError(f"learner log {folder} is of another task: choose another folder")
            self._streams[log.header.stream] = _Stream(log, self._deliver)

    def recorded(self) -> Iterator[Arrival]:
        """Everything on disk, stream by stream in the order of their first day."""
        for stream in list(self._streams.values()):
            header = stream.log.header
            for seq, payload in stream.log.payloads():
                yield Arrival(header.actor, header.stream, seq, payload)

    def hello(self, header: Header) -> int:
        """Open a stream; returns the highest sequence number that is on disk."""
        if not (UUID.fullmatch(header.stream) and UUID.fullmatch(header.actor)):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "actor and stream must be uuids of 32 hex digits")
        if header.spec != self._spec:
            line = "actor and learner disagree on observations or actions: start both with one task and one base policy"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, line)
        with self._lock:
            stream = self._streams.get(header.stream)
            if stream is None:
                path = self._folder / f"{header.created_ns:020d}-{header.stream}.log"
                stream = self._streams[header.stream] = _Stream(RecordLog.create(path, header), self._deliver)
        return stream.durable()

    def receive(self, stream: str, batches: Iterator[bytes]) -> Iterator[int]:
        """Append batches; yields the highest sequence number on disk whenever it has grown."""
        if stream not in self._streams:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "the stream is not open: say hello first")
        try:
            yield from self._streams[stream].receive(batches)
        except DatasetError as error:
            self.error = error
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error)) from error

    def _deliver(self, arrival: Arrival) -> None:
        self.on_record(arrival)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for stream in self._streams.values():
                stream.close()


def _ignore(arrival: Arrival) -> None:
    """Takes the place of a learner until there is one."""


class _Stream:
    """One life of one actor. Appending and syncing run in two threads, so the disk's latency costs no throughput."""

    def __init__(self, log: RecordLog, on_record: Callable[[Arrival], None]) -> None:
        self.log = log
        self._on_record = on_record
        self._changed = threading.Condition()
        self._closed = False
        self._calls = 0

    def durable(self) -> int:
        with self._changed:
            self.log.sync()
            return self.log.last

    def receive(self, batches: Iterator[bytes]) -> Iterator[int]:
        with self._changed:
            self._calls += 1
            call = self._calls
            self._changed.notify_all()
        reader = _Reader(self, batches, call)
        reader.start()
        acked = 0
        while not self._over(call):
            newest, over = self._wait(acked, reader, call)
            if newest > acked:
                self.log.sync()
                acked = newest
                yield acked
            elif over:
                break
        if reader.error is not None:
            raise reader.error

    def _wait(self, acked: int, reader: _Reader, call: int) -> tuple[int, bool]:
        """Wait for a record after ``acked``. Returns the newest record, and whether the call brings no more."""
        with self._changed:
            self._changed.wait_for(lambda: self.log.last > acked or reader.over or self._over(call), 1.0)
            return self.log.last, reader.over

    def append(self, raw: bytes, call: int) -> None:
        """Append what is new of a batch. A call that was followed by another one appends nothing more."""
        with self._changed:
            if self._over(call):
                return
            last, skipped, lengths, arrivals, walked = self.log.last, 0, [], [], 0
            for seq, payload, end in intact(raw):
                walked = end
                if last and seq <= last:
                    skipped = end
                    continue
                if last and seq != last + 1:
                    raise Refused(grpc.StatusCode.OUT_OF_RANGE, f"record {seq} came after {last}: say hello again")
                last = seq
                lengths.append(len(payload) + HEADER.size)
                arrivals.append(Arrival(self.log.header.actor, self.log.header.stream, seq, payload))
            if walked != len(raw):
                raise Refused(grpc.StatusCode.DATA_LOSS, "a batch arrived damaged: send it again")
            if arrivals:
                self.log.append(arrivals[0].seq, raw[skipped:] if skipped else raw, lengths)
                for arrival in arrivals:
                    self._on_record(arrival)

    def woken(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self.log.close()

    def _over(self, call: int) -> bool:
        return self._closed or call != self._calls


class _Reader(threading.Thread):
    """Takes batches from one call into the log."""

    def __init__(self, stream: _Stream, batches: Iterator[bytes], call: int) -> None:
        super().__init__(name="experience-reader", daemon=True)
        self.over = False
        self.error: RobotRLError | None = None
        self._stream, self._batches, self._call = stream, batches, call

    def run(self) -> None:
        try:
            for raw in self._batches:
                self._stream.append(raw, self._call)
                self._stream.woken()
        except RobotRLError as error:
            self.error = error
        except grpc.RpcError:
            pass
        finally:
            self.over = True
            self._stream.woken()
