"""An append-only file of framed records: an actor's spool segment, and a stream's log at the learner."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from robot_rl.core.errors import DatasetError
from robot_rl.transport.experience_pb2 import Event, Header
from robot_rl.transport.framing import HEADER, announced, frame, intact

BLOCK = 8 << 20
PIECE = 1 << 16
"""Bytes per call of write: ext4 takes large writes into large pages, which cost five times as much to make."""


class RecordLog:
    """Records of one stream with consecutive sequence numbers, after a header record with number 0.

    One thread appends; others may read what was appended. A torn tail is cut off when the file is opened.
    """

    def __init__(self, path: Path, header: Header, fd: int) -> None:
        self.path = path
        self.header = header
        self.first = 0
        """Sequence number of the first record; 0 while there is none."""
        self.ends = array("Q")
        """File offset at which each record ends; the header's end comes first."""
        self._fd = fd

    @staticmethod
    def create(path: Path, header: Header) -> RecordLog:
        """A new file that holds the header and is on disk, name and all."""
        temporary = path.with_suffix(".tmp")
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        log = RecordLog(path, header, fd)
        raw = frame(0, Event(header=header).SerializeToString())
        _write(fd, raw)
        os.fsync(fd)
        temporary.rename(path)
        sync_folder(path.parent)
        log.ends.append(len(raw))
        return log

    @staticmethod
    def open(path: Path, checked: int | None = None) -> RecordLog:
        """An existing file, cut after its last intact record; ``DatasetError`` if it is not one of ours.

        Args:
            path: The file.
            checked: Bytes at its end whose records are read and checked at once; of those before only the heads are
                looked at, and the records are checked when they are read. None: all.
        """
        fd = os.open(path, os.O_RDWR)
        log = RecordLog(path, Header(), fd)
        for _, payload, end in log._scan(0):
            log.header = _header(path, payload)
            log.ends.append(end)
            break
        if not log.ends:
            os.close(fd)
            raise DatasetError(f"{path} is not an experience log or its header is damaged: move it away")
        before = 0 if checked is None else os.fstat(fd).st_size - checked
        if log._adopt(log._heads(before)):
            log._adopt((seq, end) for seq, _, end in log._scan(log.ends[-1]))
        os.ftruncate(fd, log.ends[-1])
        os.lseek(fd, 0, os.SEEK_END)
        return log

    def _adopt(self, records: Iterator[tuple[int, int]]) -> bool:
        """Take records that lie in the file, number and end; False if one does not follow the one before."""
        for seq, end in records:
            if len(self.ends) == 1:
                self.first = seq
            elif seq != self.last + 1:
                return False
            self.ends.append(end)
        return True

    @property
    def last(self) -> int:
        """Newest sequence number; 0 while there is none."""
        return self.first + len(self.ends) - 2 if len(self.ends) > 1 else 0

    @property
    def size(self) -> int:
        """File size [bytes]."""
        return self.ends[-1]

    def append(self, first: int, raw: bytes, lengths: list[int]) -> None:
        """Write whole framed records.

        Args:
            first: Sequence number of the first of them; it follows ``last`` unless the log is empty.
            raw: The framed records.
            lengths: Framed length of each [bytes].
        """
        try:
            _write(self._file(), raw)
        except OSError as error:
            os.ftruncate(self._file(), self.ends[-1])
            os.lseek(self._file(), 0, os.SEEK_END)
            raise DatasetError(f"cannot write {self.path}: {error.strerror}; free space on that disk") from error
        if len(self.ends) == 1:
            self.first = first
        for length in lengths:
            self.ends.append(self.ends[-1] + length)

    def read(self, seq: int, max_bytes: int) -> tuple[bytes, int]:
        """Framed records from ``seq`` on, at least one, else as many as fit, and the number of the last of them."""
        start, offset = seq - self.first, self.ends[seq - self.first]
        stop = max(start + 1, bisect_right(self.ends, offset + max_bytes, start + 1) - 1)
        return os.pread(self._file(), self.ends[stop] - offset, offset), self.first + stop - 1

    def payloads(self, first: int = 0) -> Iterator[tuple[int, bytes]]:
        """All records from number ``first`` on, oldest first: sequence number and payload; or ``DatasetError``."""
        seq = max(first, self.first)
        while self.last and seq <= self.last:
            raw, newest = self.read(seq, BLOCK)
            for seq, payload, _ in intact(raw):
                yield seq, payload
                seq += 1
            if seq != newest + 1:
                raise DatasetError(f"{self.path} is damaged at record {seq}: restore it, or move it away")

    def sync(self) -> None:
        """Return when the records are on the disk."""
        try:
            os.fdatasync(self._file())
        except OSError as error:
            raise DatasetError(f"cannot write {self.path}: {error.strerror}; check that disk") from error

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _file(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR)
            os.lseek(self._fd, 0, os.SEEK_END)
        return self._fd

    def _scan(self, offset: int) -> Iterator[tuple[int, bytes, int]]:
        """Every intact record from a file offset on: number, payload, file offset of its end."""
        want = BLOCK
        while True:
            raw = os.pread(self._fd, want, offset)
            end = 0
            for seq, payload, end in intact(raw):
                yield seq, payload, offset + end
            if len(raw) < want or end == 0:
                return
            offset += end

    def _heads(self, before: int) -> Iterator[tuple[int, int]]:
        """The records that end before a file offset, by their heads alone: number, file offset of their end."""
        at = self.ends[-1]
        while (told := announced(os.pread(self._fd, HEADER.size, at))) is not None and at + told[1] <= before:
            at += told[1]
            yield told[0], at


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(fd: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(fd, view[:PIECE]) :]


def _header(path: Path, payload: bytes) -> Header:
    event = Event.FromString(payload)
    if event.WhichOneof("body") != "header":
        raise DatasetError(f"{path} is not an experience log: move it away")
    return event.header
