"""A long log is opened by its heads: its end is checked at once, the rest when it is read, and no step is made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from robot_rl.core.errors import DatasetError
from robot_rl.transport.experience_pb2 import Header
from robot_rl.transport.framing import frame
from robot_rl.transport.record_log import RecordLog

SIZE = 1000


def written(folder: Path, count: int = 40) -> tuple[Path, list[int]]:
    """A log of records of ``SIZE`` bytes, and where each ends; the first is number 5."""
    log = RecordLog.create(folder / "a.log", Header(actor="a", stream="s"))
    for seq in range(5, 5 + count):
        raw = frame(seq, bytes([seq]) * SIZE)
        log.append(seq, raw, [len(raw)])
    log.close()
    return log.path, list(log.ends)


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("checked", [None, 0, 1, 5000, 10**9])
def test_a_sound_log_is_the_same_however_it_is_opened(tmp_path: Path, checked: int | None):
    path, ends = written(tmp_path)
    log = RecordLog.open(path, checked)
    assert (list(log.ends), log.first, log.last) == (ends, 5, 44)
    assert [seq for seq, _ in log.payloads()] == list(range(5, 45))
    assert [payload[0] for _, payload in log.payloads(30)] == list(range(30, 45))
    raw = frame(45, b"more")
    log.append(45, raw, [len(raw)])
    assert RecordLog.open(path, checked).last == 45


@pytest.mark.parametrize("record", [1, 20, 34])
def test_damage_before_the_end_is_found_when_it_is_read(tmp_path: Path, record: int):
    path, ends = written(tmp_path)
    flip(path, ends[record] - 100)  # in the payload of the record after ``record`` - 1
    log = RecordLog.open(path, 3 * SIZE)
    assert log.last == 44
    number = 5 + record - 1
    with pytest.raises(DatasetError, match=f"damaged at record {number}"):
        list(log.payloads())
    assert [seq for seq, _ in log.payloads(number + 1)] == list(range(number + 1, 45))


def test_a_damaged_or_torn_end_is_cut_as_ever(tmp_path: Path):
    path, ends = written(tmp_path)
    flip(path, ends[-2] + 200)
    assert RecordLog.open(path, 3 * SIZE).last == 43
    assert path.stat().st_size == ends[-2]
    os.truncate(path, ends[-3] + 7)
    assert RecordLog.open(path, 0).last == 42
    assert path.stat().st_size == ends[-3]


def test_nothing_after_a_damaged_head_is_believed(tmp_path: Path):
    path, ends = written(tmp_path)
    flip(path, ends[10] + 3)
    log = RecordLog.open(path, 3 * SIZE)
    assert (log.last, path.stat().st_size) == (14, ends[10])


def test_old_records_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, _ = written(tmp_path)
    sizes: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: sizes.append(len(got := pread(fd, size, at))) or got)
    monkeypatch.setattr("robot_rl.transport.record_log.BLOCK", 2 * SIZE)
    RecordLog.open(path, 3 * SIZE)
    assert sum(sizes) < 12 * SIZE
