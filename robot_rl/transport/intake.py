"""One life of one actor at the learner: appends what is new to its log, drops what it has, refuses what is unsound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import grpc

from robot_rl.core.errors import RobotRLError, SpecError
from robot_rl.transport.examine import Examiner
from robot_rl.transport.experience_pb2 import Event, Header
from robot_rl.transport.framing import HEADER, intact
from robot_rl.transport.limits import Limits, Quota
from robot_rl.transport.record_log import RecordLog
from robot_rl.transport.versions import SCHEMA


class Arrival(NamedTuple):
    """One record as it reached the learner."""

    actor: str
    stream: str
    seq: int
    payload: bytes
    """An ``Event``."""
    event: Event | None = None
    """The payload decoded, if that was done already."""


class Refused(RobotRLError):
    """A call cannot be served; the text goes to the actor."""

    def __init__(self, code: grpc.StatusCode, line: str) -> None:
        super().__init__(line)
        self.code = code


class Rules:
    """What all streams of a learner have in common."""

    def __init__(self, examiner: Examiner, limits: Limits, quota: Quota) -> None:
        self.examiner, self.limits, self.quota = examiner, limits, quota
        self.on_record: Callable[[Arrival], None] = _ignore
        """Called with every new record, in order per stream."""


class Intake:
    """Appending and syncing run in two threads, so the disk's latency costs no throughput.

    Nothing is written before the first sound record has come: a greeting alone leaves no file.
    """

    def __init__(self, header: Header, path: Path, rules: Rules, log: RecordLog | None = None) -> None:
        self.header = header
        self.log = log
        self._path, self._rules = path, rules
        self._changed = threading.Condition()
        self._closed = False
        self._calls = 0
        self._open_calls = 0
        self._episode = 0

    @property
    def last(self) -> int:
        """Newest sequence number in the log; 0: none."""
        return self.log.last if self.log else 0

    @property
    def busy(self) -> bool:
        """Whether an actor is sending."""
        return self._open_calls > 0

    def rest(self) -> None:
        """Close the file until it is used again: an actor's past lives must not use up this process's files."""
        with self._changed:
            if self.log and not self._open_calls:
                self.log.close()

    def durable(self) -> int:
        """Newest sequence number that is on the disk."""
        with self._changed:
            if self.log:
                self.log.sync()
            return self.last

    def receive(self, batches: Iterator[bytes]) -> Iterator[int]:
        """Append batches; yields the highest sequence number on disk whenever it has grown."""
        with self._changed:
            self._calls += 1
            self._open_calls += 1
            call = self._calls
            self._changed.notify_all()
        try:
            yield from self._receive(batches, call)
        finally:
            with self._changed:
                self._open_calls -= 1
            self.rest()

    def _receive(self, batches: Iterator[bytes], call: int) -> Iterator[int]:
        reader = _Reader(self, batches, call)
        reader.start()
        acked = 0
        while not self._over(call):
            newest, over = self._wait(acked, reader, call)
            if newest > acked and self.log:
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
            self._changed.wait_for(lambda: self.last > acked or reader.over or self._over(call), 1.0)
            return self.last, reader.over

    def append(self, raw: bytes, call: int) -> None:
        """Append what is new of a batch. A call that was followed by another one appends nothing more."""
        with self._changed:
            if self._over(call):
                return
            arrivals, lengths, skipped, walked = [], [], 0, 0
            last, episode = self.last, self._episode
            for seq, payload, end in intact(raw):
                walked = end
                if last and seq <= last:
                    skipped = end
                    continue
                if last and seq != last + 1:
                    raise Refused(grpc.StatusCode.OUT_OF_RANGE, f"record {seq} came after {last}: say hello again")
                arrival, episode = self._examined(seq, payload, episode)
                last = seq
                arrivals.append(arrival)
                lengths.append(len(payload) + HEADER.size)
            if walked != len(raw):
                raise Refused(grpc.StatusCode.DATA_LOSS, "a batch arrived damaged: send it again")
            if arrivals:
                self._write(arrivals, raw[skipped:] if skipped else raw, lengths)
                self._episode = episode

    def _examined(self, seq: int, payload: bytes, episode: int) -> tuple[Arrival, int]:
        """The record, and the size of its episode up to it; ``Refused`` if it is not to be stored."""
        header = self.header
        try:
            event = self._rules.examiner.examine(payload, newer=header.schema > SCHEMA)
        except SpecError as error:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"record {seq} is refused: {error}") from error
        episode = len(payload) + (0 if event.HasField("begin") else episode)
        if seq < 1 or episode > self._rules.limits.episode:
            limit = f"{self._rules.limits.episode / 1e9:.1f} GB"
            line = f"record {seq} is refused: an episode has at most {limit}: end episodes sooner, or raise the limit"
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, line)
        return Arrival(header.actor, header.stream, seq, payload, event), episode

    def _write(self, arrivals: list[Arrival], raw: bytes, lengths: list[int]) -> None:
        self._rules.quota.take(len(raw))
        if self.log is None:
            self.log = RecordLog.create(self._path, self.header)
        self.log.append(arrivals[0].seq, raw, lengths)
        for arrival in arrivals:
            self._rules.on_record(arrival)

    def woken(self) -> None:
        """Let whoever waits for records look again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End all calls and close the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if self.log:
                self.log.close()

    def _over(self, call: int) -> bool:
        return self._closed or call != self._calls


class _Reader(threading.Thread):
    """Takes batches from one call into the log."""

    def __init__(self, intake: Intake, batches: Iterator[bytes], call: int) -> None:
        super().__init__(name="experience-reader", daemon=True)
        self.over = False
        self.error: RobotRLError | None = None
        self._intake, self._batches, self._call = intake, batches, call

    def run(self) -> None:
        try:
            for raw in self._batches:
                self._intake.append(raw, self._call)
                self._intake.woken()
        except RobotRLError as error:
            self.error = error
        except grpc.RpcError:
            pass
        finally:
            self.over = True
            self._intake.woken()


def _ignore(arrival: Arrival) -> None:
    """Takes the place of a learner until there is one."""
