"""A grave change writes a minute of black box; the process of an arm whose driver holds the interpreter does not."""

import time

import numpy as np
import pytest
from paced_rig import PacedLink, Rig, quick_switches

from controllers.black_box.archive import LONG, Archive, LateReader
from controllers.black_box.keeper import Keeper
from controllers.black_box.recorder import Recorder
from controllers.black_box.rig_file import read_rig, write_rig
from controllers.black_box.ring import ROWS
from controllers.guard.lifecycle import Ask, Phase
from drivers.driven_arm import Surroundings


class DiaryLink(PacedLink):
    """Notes when it was answered."""

    def __init__(self):
        super().__init__()
        self.answered = []

    def write(self, tau):
        super().write(tau)
        self.answered.append(time.monotonic())


@pytest.fixture
def boxed(tmp_path):
    """An active arm whose box is full: 60 s."""
    recorder = Recorder(tmp_path / "box", 7, 60_000)
    recorder.box.rows["tick"] = np.arange(-60_000, 0)
    recorder.box.counts[ROWS] = 60_000
    with quick_switches():
        rig = Rig(DiaryLink(), Surroundings(box=recorder.box))
        header = {"arm": "panda", "period": 0.001, "to": str(tmp_path / "dumps"), "of": "arm"}
        write_rig(recorder.path, rig.loop.supervisor.rig, header)
        rig.loop.start()
        assert rig.activate()
        yield rig, recorder.path, tmp_path / "dumps"
        rig.end()


def stop_and_wait(rig, dumps, meanwhile):
    """Until the minute is written: what this thread spent on it, and the longest time between two answers [s]."""
    rig.exchange.ask(int(Ask.STOP))
    assert rig.until(lambda: rig.phase() is Phase.STOPPED)
    start, spent = time.monotonic(), time.thread_time()
    cost = 0.0

    def written():
        nonlocal cost
        before = time.thread_time()
        meanwhile()
        cost += time.thread_time() - before
        return any(dumps.glob("grave_*.npz"))

    assert rig.until(written, 60.0)
    assert time.thread_time() > spent
    gaps = np.diff([t for t in rig.link.answered if t > start])
    return cost, float(gaps.max())


def test_the_minute_is_written_elsewhere(boxed, record_property):
    rig, box, dumps = boxed
    keeper = Keeper(box)
    cost, gap = stop_and_wait(rig, dumps, keeper.check)
    keeper.close()
    rig.exchange.ask(int(Ask.STOP))
    here = Archive(LateReader.attach(box), read_rig(box))
    here._window, before = LONG, time.thread_time()
    answered = len(rig.link.answered)
    here.dump(time.monotonic())
    in_here = time.thread_time() - before
    gap_here = float(np.diff(rig.link.answered[answered - 1 :]).max())
    record_property("longest gap [ms]", (1e3 * gap, 1e3 * gap_here))
    assert cost < 0.3 * in_here
    assert cost < 0.02
