"""When the black box is dumped, how much of it, and how many dumps stay."""

import pytest

from controllers.black_box.archive import KEEP, LONG, SHORT, Archive
from controllers.black_box.recorder import Recorder, load
from controllers.black_box.replay import replay
from controllers.guard.lifecycle import Ask
from controllers.parameters.presets import preset
from robot_rl.core.records import Command
from sim.guarded_twin import GuardedTwin


@pytest.fixture
def rig(tmp_path):
    recorder = Recorder(tmp_path / "box", 7, 8000)
    twin = GuardedTwin("reach", preset("rl_explore"), box=recorder.box)
    archive = Archive(recorder, twin.supervisor, tmp_path / "dumps")
    twin.reset(0)
    twin.advance(10)
    archive.poll(0.0)
    archive.dump(0.0)
    return twin, archive


def order(twin, seq):
    now = twin.now()
    pose = twin.controller.state["goal"].copy()
    twin.send(Command(stamp=now, seq=seq, valid_until=now + 0.1, duration=0.1, pose=pose, gripper=0.04))


def test_a_change_is_dumped_soon_after_and_once(rig):
    twin, archive = rig
    order(twin, 1)
    twin.advance(10)
    assert archive.poll(10.0) is None, "what follows belongs into it"
    path = archive.poll(10.3)
    assert path.name.startswith("change_")
    assert archive.poll(10.4) is None
    order(twin, 2)
    twin.advance(1)
    assert archive.poll(20.0) is None, "the mode is the same"
    assert archive.poll(30.0) is None


def test_changes_that_follow_each_other_share_a_dump(rig):
    twin, archive = rig
    archive.dump(9.9)
    for k in range(6):
        order(twin, k + 1)
        twin.advance(10)
        twin.stop()
        twin.advance(10)
        archive.poll(10.0 + 0.1 * k)
    assert len(archive.written) == 2
    assert archive.poll(11.95) is not None


def test_a_stop_dumps_the_whole_minute_and_it_runs_again(rig):
    twin, archive = rig
    twin.advance(6500)
    twin.supervisor.ask(Ask.STOP)
    twin.advance(20)
    archive.poll(20.0)
    path = archive.poll(20.5)
    assert path.name.startswith("grave_")
    dump = load(path)
    assert len(dump["rows"]) > 6400
    assert dump["header"]["phase"].startswith("STOPPED")
    assert replay(path).different == 0


def test_old_dumps_go(rig):
    twin, archive = rig
    for k in range(KEEP[SHORT] + 5):
        twin.advance(1)
        archive.dump(float(k))
    names = sorted(path.name for path in archive.folder.iterdir())
    assert len(names) == KEEP[SHORT] < len(archive.written)
    assert names[-1] == archive.written[-1].name
    assert LONG in KEEP
