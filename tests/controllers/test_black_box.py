"""The black box: what it keeps, that it survives, and that its ticks run again bit by bit."""

import numpy as np
import pytest

from controllers.arms.panda_shape import panda_shape, table
from controllers.black_box.recorder import Recorder, load
from controllers.black_box.replay import replay
from controllers.guard.lifecycle import Ask, Phase
from controllers.guard.supervisor import Measurement
from controllers.parameters.presets import preset
from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.core.records import Command
from sim.guarded_twin import GuardedTwin


@pytest.fixture
def run(tmp_path):
    """A lively run of 4.5 s in a box that keeps 3 s, and where it was dumped."""
    recorder = Recorder(tmp_path / "box", 7, 3000)
    twin = GuardedTwin("reach", preset("rl_explore"), shape=panda_shape([table()]), box=recorder.box)
    twin.reset(3)
    rng = np.random.default_rng(0)
    for k in range(45):
        if twin.supervisor.phase is Phase.ACTIVE and k % 20 < 12:
            pose = twin.controller.state["goal"].copy()
            pose[:3] += rng.normal(size=3) * 0.01
            send(twin, k + 1, pose)
        if k == 30:
            twin.supervisor.recover(twin.now()) if twin.supervisor.phase is Phase.DAMP else None
        if k == 24:
            twin.advance_through(1, lambda m: Measurement(q=m.q * np.nan, dq=m.dq, tau_external=m.dq, now=m.now))
        twin.advance(99 if k == 24 else 100)
        if k == 27:
            twin.supervisor.ask(Ask.DAMP)
    arm, shape = twin.controller.records[0], twin.supervisor.rig.shape
    path = recorder.dump(tmp_path / "dump.npz", 3.0, {"period": 0.001}, arm, shape)
    return recorder, twin, path


def send(twin, seq, pose):
    now = twin.now()
    twin.send(Command(stamp=now, seq=seq, valid_until=now + 0.1, duration=0.1, pose=pose, gripper=0.04))


def test_every_tick_runs_again_bit_by_bit(run):
    _, _, path = run
    found = replay(path)
    assert found.ticks > 2000
    assert (found.different, found.first) == (0, -1)
    assert found.reloaded >= 1


def test_a_replay_notices_one_wrong_bit(run, tmp_path):
    _, _, path = run
    content = dict(np.load(path))
    content["rows"]["q"][-500, 2] += 1e-15 + abs(content["rows"]["q"][-500, 2]) * 1e-15
    np.savez(tmp_path / "bent.npz", **content)
    found = replay(tmp_path / "bent.npz")
    assert found.first == content["rows"]["tick"][-500]


def test_the_rows_are_the_newest_without_a_gap(run):
    _, twin, path = run
    rows = load(path)["rows"]
    assert (np.diff(rows["tick"]) == 1).all()
    assert rows["tick"][-1] == twin.supervisor.guard["tick"]
    assert np.array_equal(rows["tau"][-1], twin.controller.state["tau"])
    assert np.isnan(load(path)["rows"]["q"]).any(), "what was wrong is kept as it was"


def test_every_change_is_an_event_with_its_reason(run):
    _, _, path = run
    events = load(path)["events"]
    pairs = {(int(e["phase_from"]), int(e["phase_to"])) for e in events}
    assert {(Phase.ACTIVE, Phase.DAMP), (Phase.DAMP, Phase.RECOVERY), (Phase.RECOVERY, Phase.SOFT_START)} <= pairs
    assert all(e["reason"] > 0 for e in events if e["phase_from"] != e["phase_to"])


def test_another_process_can_read_what_a_dead_one_left(run):
    recorder, _, _ = run
    other = Recorder.attach(recorder.path)
    theirs, mine = other.copy(1.0, 0.001)["rows"], recorder.copy(1.0, 0.001)["rows"]
    assert len(mine) > 900
    assert all(theirs[name].tobytes() == mine[name].tobytes() for name in ("tick", "q", "tau", "goal"))


def test_a_wrong_file_is_named_in_one_line(tmp_path):
    (tmp_path / "x").write_bytes(b"no box" * 1000)
    with pytest.raises(ConfigError, match="no black box"):
        Recorder.attach(tmp_path / "x")
    np.savez(tmp_path / "d.npz", header=np.frombuffer(b"{}", np.uint8), rows=np.zeros(0), moments=np.zeros(0))
    with pytest.raises(DatasetError, match="cannot be replayed"):
        replay(tmp_path / "d.npz")


def test_a_box_without_room_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no room"):
        Recorder(tmp_path / "huge", 7, 10**12)
