"""When the black box is dumped, how much of it, and how many dumps stay."""

import pytest

from controllers.black_box.archive import KEEP, LONG, SHORT, Archive, LateReader, whole_rows
from controllers.black_box.keeper import Keeper
from controllers.black_box.recorder import Recorder, load
from controllers.black_box.replay import replay
from controllers.black_box.rig_file import read_rig, write_rig
from controllers.guard.lifecycle import Ask
from controllers.parameters.presets import preset
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Command
from sim.guarded_twin import GuardedTwin


@pytest.fixture
def rig(tmp_path):
    recorder = Recorder(tmp_path / "box", 7, 8000)
    twin = GuardedTwin("reach", preset("rl_explore"), box=recorder.box)
    header = {"arm": "panda", "period": 0.001, "to": str(tmp_path / "dumps"), "of": "arm"}
    write_rig(recorder.path, twin.supervisor.rig, header)
    archive = Archive(LateReader.attach(recorder.path), read_rig(recorder.path))
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


def test_a_copy_that_the_loop_overtook_begins_later_and_runs_again(rig, monkeypatch):
    """The box keeps 8 s; 2 s go by while it is copied."""
    twin, archive = rig
    twin.advance(9000)

    def overtaken(self, seconds, period):
        out = plain(self, seconds, period)
        torn = out["rows"]["tick"] < out["rows"]["tick"][0] + 1500
        out["rows"]["tau"][torn] = 0.0
        twin.advance(2000)
        return out

    plain = Recorder.copy
    monkeypatch.setattr(Recorder, "copy", overtaken)
    archive._window = LONG
    dump = load(archive.dump(1.0))
    assert 4000 < len(dump["rows"]) < 6500
    assert dump["rows"]["tick"][0] == dump["moments"]["tick"][0] + 1
    found = replay(archive.written[-1])
    assert (found.ticks, found.different) == (len(dump["rows"]), 0)
    whole = {name: dump[name] for name in ("rows", "moments", "configs", "states", "guards")}
    assert whole_rows(whole, int(dump["rows"]["tick"][0])) is whole


def test_a_process_of_its_own_writes_the_changes_and_what_is_asked_for(rig):
    twin, archive = rig
    keeper = Keeper(archive.recorder.path)
    try:
        asked = keeper.dump()
        order(twin, 1)
        twin.advance(300)
        twin.supervisor.ask(Ask.STOP)
        twin.advance(50)
    finally:
        keeper.close()
    graves = list(archive.folder.glob("grave_*"))
    assert len(graves) == 1, "what was due when the arm ended is written, too"
    assert load(graves[0])["header"]["phase"].startswith("STOPPED")
    assert replay(asked).different == replay(graves[0]).different == 0


def test_a_keeper_that_is_gone_is_said_once_and_refuses(rig, caplog):
    _, archive = rig
    keeper = Keeper(archive.recorder.path)
    keeper._process.kill()
    keeper._process.wait()
    for _ in range(2):
        keeper.check()
    assert len(caplog.records) == 1
    with pytest.raises(ConfigError, match="start the graph again"):
        keeper.dump()
    keeper.close()
