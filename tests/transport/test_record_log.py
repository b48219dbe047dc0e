"""A log that was torn or damaged anywhere opens with every record before that place, and can be continued."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_rl.core.errors import DatasetError
from robot_rl.transport.experience_pb2 import Batch, Header
from robot_rl.transport.framing import checksum, frame, intact
from robot_rl.transport.record_log import RecordLog

PAYLOADS = [bytes([n]) * (7 * n + 1) for n in range(12)]


def write(path: Path, first: int = 1) -> list[int]:
    """A log of the payloads; returns the file size after each record, the header's first."""
    log = RecordLog.create(path, Header(stream="s"))
    sizes = [log.size]
    for offset, payload in enumerate(PAYLOADS):
        raw = frame(first + offset, payload)
        log.append(first + offset, raw, [len(raw)])
        sizes.append(log.size)
    log.close()
    return sizes


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_torn_tail_is_cut(tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    sizes = write(path)
    cut = data.draw(st.integers(sizes[0], sizes[-1]))
    with path.open("r+b") as file:
        file.truncate(cut)
    log = RecordLog.open(path)
    kept = sum(size <= cut for size in sizes) - 1
    assert log.last == kept
    assert [p for _, p in log.payloads()] == PAYLOADS[:kept]
    raw = frame(kept + 1, b"next")
    log.append(kept + 1, raw, [len(raw)])
    log.close()
    assert [p for _, p in RecordLog.open(path).payloads()] == [*PAYLOADS[:kept], b"next"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_after_a_flipped_bit_is_believed(tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    sizes = write(path)
    at = data.draw(st.integers(sizes[0], sizes[-1] - 1))
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    kept = sum(size <= at for size in sizes) - 1
    assert [p for _, p in RecordLog.open(path).payloads()] == PAYLOADS[:kept]


@pytest.mark.parametrize("first", [1, 40])
@pytest.mark.parametrize("max_bytes", [1, 200, 1 << 20])
def test_reads_are_whole_records_in_order(tmp_path, first, max_bytes) -> None:
    write(tmp_path / "a.log", first)
    log = RecordLog.open(tmp_path / "a.log")
    assert (log.first, log.last) == (first, first + 11)
    seq, seen = first, []
    while seq <= log.last:
        raw, newest = log.read(seq, max_bytes)
        records = list(intact(raw))
        assert records[-1][2] == len(raw), "a record was cut"
        assert len(raw) <= max_bytes or len(records) == 1
        seen += [payload for _, payload, _ in records]
        assert newest == records[-1][0]
        seq = newest + 1
    assert seen == PAYLOADS


def test_a_foreign_file_is_refused_in_one_line(tmp_path) -> None:
    (tmp_path / "a.log").write_bytes(b"something else")
    with pytest.raises(DatasetError, match="move it away") as error:
        RecordLog.open(tmp_path / "a.log")
    assert "\n" not in str(error.value)


def test_a_file_is_a_message_of_the_schema(tmp_path) -> None:
    write(tmp_path / "a.log", first=300)
    batch = Batch.FromString((tmp_path / "a.log").read_bytes())
    assert [r.seq for r in batch.records] == [0, *range(300, 312)]
    assert [r.payload for r in batch.records[1:]] == PAYLOADS
    assert [r.crc for r in batch.records[1:]] == [checksum(300 + i, p) for i, p in enumerate(PAYLOADS)]
    large = frame(1 << 40, bytes(3_000_000))
    assert Batch.FromString(large).records[0].seq == 1 << 40
    assert len(Batch.FromString(large).records[0].payload) == 3_000_000
