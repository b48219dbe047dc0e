"""The actor's disk spool: what was acted on and is not yet on the learner's disk. Survives a kill at any instant."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from pathlib import Path

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.spec import Spec
from robot_rl.transport.codec import spec_json
from robot_rl.transport.experience_pb2 import Header
from robot_rl.transport.framing import frame
from robot_rl.transport.record_log import RecordLog
from robot_rl.transport.versions import READER, SCHEMA, agree

SEGMENT_BYTES = 256 << 20


class Stream:
    """The records of one life of the actor's process, in one or more files. Thread-safe."""

    def __init__(self, folder: Path, header: Header, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.header = header
        self.acked = 0
        """Highest sequence number known to be on the learner's disk."""
        self.written = 0
        """Bytes appended in this life."""
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._segments: list[RecordLog] = []
        self._lock = threading.Lock()
        self._last = 0

    @property
    def last(self) -> int:
        """Newest sequence number written."""
        return self._last

    @property
    def waiting(self) -> int:
        """Number of records that the learner has not acknowledged."""
        return self._last - self.acked

    def adopt(self, segment: RecordLog) -> None:
        """Add a file of an earlier life; ``DatasetError`` if records before it are missing."""
        if self._segments and segment.first != self._last + 1:
            raise DatasetError(f"spool {self._folder} lacks records before {segment.path.name}: move the folder away")
        self._segments.append(segment)
        self._last = segment.last
        self.acked = self.acked or segment.first - 1

    def append(self, payload: bytes) -> int:
        """Write one record; it survives a kill of this process from now on. Returns its framed size [bytes]."""
        with self._lock:
            seq = self._last + 1
            raw = frame(seq, payload)
            if not self._segments or self._segments[-1].size > self._segment_bytes:
                self._segments.append(RecordLog.create(self._folder / _name(self.header, seq), self.header))
            self._segments[-1].append(seq, raw, [len(raw)])
            self._last = seq
            self.written += len(raw)
            return len(raw)

    def sync(self) -> None:
        """Return when everything written is on the disk."""
        with self._lock:
            newest = self._segments[-1:]
        for segment in newest:
            segment.sync()

    def read(self, seq: int, max_bytes: int) -> tuple[bytes, int]:
        """Framed records from ``seq`` on, and the number of the last of them."""
        with self._lock:
            segment = next(s for s in self._segments if s.first <= seq <= s.last)
            return segment.read(seq, max_bytes)

    def acknowledge(self, seq: int, *, closed: bool) -> None:
        """The learner has everything up to ``seq`` on its disk: delete the files that hold nothing newer."""
        with self._lock:
            self.acked = max(self.acked, min(seq, self._last))
            while self._segments and self._segments[0].last <= self.acked and (closed or len(self._segments) > 1):
                segment = self._segments.pop(0)
                segment.close()
                segment.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; those not acknowledged stay for the next life."""
        with self._lock:
            for segment in self._segments:
                segment.close()
            self._segments.clear()


class Spool:
    """All streams of one actor that are not yet wholly on the learner's disk; one process at a time has it."""

    def __init__(self, folder: Path, spec: Spec, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock_fd = lock_folder(folder, "spool")
        try:
            self.actor = _actor(folder)
            self.older = _earlier_lives(folder, spec_json(spec))
        except Exception:
            os.close(self._lock_fd)
            raise
        self.live = Stream(folder, _header(self.actor, spec), segment_bytes)
        """Where this process writes."""

    @property
    def pending(self) -> int:
        """Number of records that the learner has not acknowledged, of all streams."""
        return sum(s.waiting for s in [*self.older, self.live])

    def finish_oldest(self) -> None:
        """Forget the oldest earlier life once the learner has all of it."""
        self.older.pop(0).close()

    def close(self) -> None:
        """Release the folder; what is acknowledged is deleted."""
        self.live.acknowledge(self.live.acked, closed=True)
        for stream in [*self.older, self.live]:
            stream.close()
        os.close(self._lock_fd)


def lock_folder(folder: Path, what: str) -> int:
    """File descriptor that holds a folder's lock until closed; ``DatasetError`` if another process holds it."""
    fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise DatasetError(f"{what} {folder} is in use by another process: stop it or choose another folder") from error
    return fd


def _actor(folder: Path) -> str:
    path = folder / "actor"
    if not path.exists():
        temporary = folder / "actor.tmp"
        temporary.write_text(uuid.uuid4().hex)
        temporary.rename(path)
    return path.read_text().strip()


def _header(actor: str, spec: Spec) -> Header:
    stream = uuid.uuid4().hex
    about = {"schema": SCHEMA, "reader": READER, "spec": spec_json(spec)}
    return Header(actor=actor, stream=stream, created_ns=time.time_ns(), **about)


def _name(header: Header, first: int) -> str:
    return f"{header.created_ns:020d}-{header.stream}-{first:012d}.log"


def _earlier_lives(folder: Path, spec: str) -> list[Stream]:
    for leftover in folder.glob("*.tmp"):
        leftover.unlink()
    streams: dict[str, Stream] = {}
    for path in sorted(folder.glob("*.log")):
        segment = RecordLog.open(path)
        if segment.last == 0:
            segment.close()
            path.unlink()
            continue
        agree(segment.header)
        if segment.header.spec != spec:
            raise SpecError(f"spool {folder} holds unsent steps of another task: choose another folder, or delete it")
        streams.setdefault(segment.header.stream, Stream(folder, segment.header)).adopt(segment)
    return list(streams.values())
