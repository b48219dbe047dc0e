"""The spool keeps what the learner does not have, and nothing else."""

from dataclasses import replace

import pytest
from transport_samples import SPEC

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.transport.framing import intact
from robot_rl.transport.spool import Spool


def numbers(stream, start: int) -> list[int]:
    found = []
    while start <= stream.last:
        raw, newest = stream.read(start, 500)
        found += [int(payload) for _, payload, _ in intact(raw)]
        start = newest + 1
    return found


def fill(spool: Spool, count: int) -> None:
    for n in range(count):
        spool.live.append(b"%099d" % n)


def test_segments_are_deleted_once_acknowledged(tmp_path) -> None:
    spool = Spool(tmp_path, SPEC, segment_bytes=1000)
    fill(spool, 60)
    before = len(list(tmp_path.glob("*.log")))
    assert before > 5
    assert numbers(spool.live, 1) == list(range(60))
    spool.live.acknowledge(31, closed=False)
    assert before / 3 < len(list(tmp_path.glob("*.log"))) < before
    assert numbers(spool.live, 32) == list(range(31, 60))
    spool.live.acknowledge(60, closed=False)
    assert len(list(tmp_path.glob("*.log"))) == 1, "the file in use stays"
    spool.close()
    assert not list(tmp_path.glob("*.log"))


def test_the_next_life_finds_what_was_not_acknowledged(tmp_path) -> None:
    for count in (20, 30):
        spool = Spool(tmp_path, SPEC, segment_bytes=1000)
        fill(spool, count)
        spool.live.acknowledge(9, closed=False)
        spool.close()
    spool = Spool(tmp_path, SPEC)
    assert [s.last for s in spool.older] == [20, 30]
    assert [numbers(s, 10) for s in spool.older] == [list(range(9, 20)), list(range(9, 30))]
    assert spool.pending <= 11 + 21 + 20
    for stream in list(spool.older):
        stream.acknowledge(stream.last, closed=True)
        spool.finish_oldest()
    assert not list(tmp_path.glob("*.log"))


def test_one_process_at_a_time(tmp_path) -> None:
    with pytest.raises(DatasetError, match="in use by another process"):
        Spool(tmp_path, SPEC), Spool(tmp_path, SPEC)


def test_unsent_steps_of_another_task_are_not_sent(tmp_path) -> None:
    spool = Spool(tmp_path, SPEC)
    fill(spool, 1)
    spool.close()
    with pytest.raises(SpecError, match="another task"):
        Spool(tmp_path, replace(SPEC, rate=20.0))
    Spool(tmp_path, SPEC).close()


def test_a_gap_between_files_is_refused(tmp_path) -> None:
    spool = Spool(tmp_path, SPEC, segment_bytes=500)
    fill(spool, 40)
    spool.close()
    sorted(tmp_path.glob("*.log"))[2].unlink()
    with pytest.raises(DatasetError, match="lacks records"):
        Spool(tmp_path, SPEC)
