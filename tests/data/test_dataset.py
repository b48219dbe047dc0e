"""Recording and reading datasets, and what their mistakes answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from make_episodes import IMAGE, SPEC, STATE, observation, step

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.protocols import EpisodeSink
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.dataset import create, open_dataset, recover
from robot_rl.data.layout import EPISODES, STAGING
from robot_rl.data.recorder import EpisodeWriter


def record(sink: EpisodeSink, name: int, length: int, final: bool = True, **last: bool) -> None:
    sink.begin({"episode": name, "operator": "ada"})
    for row in range(length):
        sink.add(step(name, row, **(last if row == length - 1 else {})))
    sink.end(observation(name, length) if final else None)


def test_episodes_come_back_as_recorded(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC, {"task": "reach"}) as writer:
        record(writer, 0, 5, terminated=True)
        record(writer, 1, 4, truncated=True)
        record(writer, 2, 3)
        record(writer, 3, 3, final=False)
    dataset = open_dataset(tmp_path / "set")
    assert dataset.spec == SPEC
    assert dataset.meta == {"task": "reach"}
    assert (len(dataset), dataset.steps) == (4, 5 + 4 + 3 + 2)
    assert [e.outcome for e in dataset.episodes()] == ["success", "failure", "unlabeled", "interrupted"]
    episode = dataset.episode(0)
    assert episode.meta == {"episode": 0, "operator": "ada"}
    assert {k: v.shape for k, v in episode.obs.items()} == {STATE: (6, 3), IMAGE: (6, 40, 40, 3)}
    assert isinstance(episode.obs[IMAGE], np.memmap)
    np.testing.assert_array_equal(episode.final_obs[IMAGE], observation(0, 5)[IMAGE])
    for row, got in enumerate(episode.steps()):
        want = step(0, row, terminated=row == 4)
        assert got.energy == want.energy
        assert (got.reward, got.stamp, got.source) == (want.reward, want.stamp, want.source)
        np.testing.assert_array_equal(got.proposal, want.proposal)


def test_zarr_python_opens_an_episode(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        record(writer, 0, 5, terminated=True)
        assert writer.last is not None
        group = zarr.open_group(str(writer.last), mode="r")
    episode = open_dataset(tmp_path / "set").episode(0)
    np.testing.assert_array_equal(group[IMAGE][:], episode.obs[IMAGE])
    np.testing.assert_array_equal(group[STATE][:], episode.obs[STATE])
    for name in ("action", "proposal", "reward", "success", "terminated", "source", "stamp", "peak_force"):
        np.testing.assert_array_equal(group[name][:], getattr(episode, name))
    for name, column in episode.energy.items():
        np.testing.assert_array_equal(group[name][:], column)
    assert group.attrs["outcome"] == "success"
    assert set(group.array_keys()) == {p.name for p in writer.last.iterdir() if p.is_dir()}


def test_numbers_go_on_and_discarded_episodes_leave_nothing(tmp_path: Path):
    root = tmp_path / "set"
    with EpisodeWriter(root, SPEC) as writer:
        record(writer, 0, 3)
        writer.begin({})
        writer.add(step(9, 0))
        writer.discard()
        record(writer, 1, 1, final=False)
    with EpisodeWriter(root, SPEC) as writer:
        record(writer, 2, 3)
    dataset = open_dataset(root)
    assert [(e.number, e.meta["episode"]) for e in dataset.episodes()] == [(0, 0), (1, 2)]
    assert list((root / STAGING).iterdir()) == []


def test_a_second_recorder_is_refused_and_a_reader_is_not(tmp_path: Path):
    root = tmp_path / "set"
    with EpisodeWriter(root, SPEC) as writer:
        writer.begin({})
        writer.add(step(0, 0))
        for attempt in (lambda: EpisodeWriter(root, SPEC), lambda: recover(root)):
            with pytest.raises(DatasetError, match="being recorded by another process"):
                attempt()
        assert len(open_dataset(root)) == 0
        writer.add(step(0, 1))
        writer.end(observation(0, 2))
        assert len(open_dataset(root)) == 1


def test_an_exception_in_the_loop_keeps_the_episode(tmp_path: Path):
    def loop() -> None:
        with EpisodeWriter(tmp_path / "set", SPEC) as writer:
            writer.begin({})
            for row in range(4):
                writer.add(step(0, row))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    (episode,) = open_dataset(tmp_path / "set").episodes()
    assert (len(episode), episode.outcome) == (3, "interrupted")


def test_buffers_may_be_reused_by_the_caller(tmp_path: Path):
    obs = observation(0, 0)
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for row in range(300):
            obs[STATE][1] = row
            obs[IMAGE][:] = row % 256
            writer.add(StepRecord(**{**vars(step(0, 0)), "obs": obs}))
        writer.end(obs)
    episode = open_dataset(tmp_path / "set").episode(0)
    np.testing.assert_array_equal(episode.obs[STATE][:300, 1], np.arange(300))
    np.testing.assert_array_equal(episode.obs[IMAGE][:300, 0, 0, 0], np.arange(300) % 256)


def bad_observation(change: str) -> Observation:
    obs = observation(0, 0)
    if change == "missing":
        del obs[STATE]
    elif change == "shape":
        obs[IMAGE] = obs[IMAGE][:20]
    elif change == "dtype":
        obs[STATE] = obs[STATE].astype(np.float64)
    else:
        obs[STATE][0] = np.nan
    return obs


@pytest.mark.parametrize("change", ["missing", "shape", "dtype", "nan"])
def test_wrong_steps_are_refused_and_the_episode_goes_on(tmp_path: Path, change: str):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        writer.add(step(0, 0))
        with pytest.raises(SpecError):
            writer.add(StepRecord(**{**vars(step(0, 1)), "obs": bad_observation(change)}))
        for action in (np.zeros(3, np.float32), np.array([0, np.inf], np.float32)):
            with pytest.raises(SpecError, match=r"action .*: check"):
                writer.add(StepRecord(**{**vars(step(0, 1)), "action": action}))
        writer.end(observation(0, 1))
    assert len(open_dataset(tmp_path / "set").episode(0)) == 1


def test_wrong_paths_are_answered_in_one_line(tmp_path: Path):
    create(tmp_path / "demos", SPEC, {})
    (tmp_path / "plain").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "dataset.json").write_text('{"schema": 1')
    (tmp_path / "newer").mkdir()
    text = json.dumps({"schema": 99, "spec": SPEC.to_json(), "meta": {}})
    (tmp_path / "newer" / "dataset.json").write_text(text)
    expected = {"demo": "did you mean .*demos", "plain": "is not a dataset", "broken": "cannot be read", "newer": "99"}
    for name, message in expected.items():
        with pytest.raises(DatasetError, match=message) as caught:
            open_dataset(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "demo").exists()
    with pytest.raises(DatasetError, match="is a dataset already"):
        create(tmp_path / "demos", SPEC, {})
    with pytest.raises(DatasetError, match="no episode 0"):
        open_dataset(tmp_path / "demos").episode(0)


def test_another_spec_is_refused_by_name(tmp_path: Path):
    create(tmp_path / "set", SPEC, {})
    other = SPEC.with_feature("observation.force", Feature((6,)))
    with pytest.raises(DatasetError, match=r"another observation\.force \(none, now float32\[6\]\):"):
        EpisodeWriter(tmp_path / "set", other)
    with pytest.raises(DatasetError, match=r"another rate \(10.0, now 20.0\):"):
        EpisodeWriter(tmp_path / "set", Spec(observation=SPEC.observation, action_dim=2, rate=20.0))
    EpisodeWriter(tmp_path / "set", SPEC).close()


def test_names_that_cannot_be_columns_are_refused(tmp_path: Path):
    for name in ("reward", "crc", "a/b"):
        with pytest.raises(DatasetError, match="rename it"):
            create(tmp_path / "set", SPEC.with_feature(name, Feature((2,))), {})
    assert not (tmp_path / "set").exists()


def test_damage_is_found_and_named(tmp_path: Path):
    root = tmp_path / "set"
    with EpisodeWriter(root, SPEC) as writer:
        for name in range(4):
            record(writer, name, 4)
    paths = [Path(entry["path"]) for entry in open_dataset(root).index]
    file = paths[0] / STATE / "c.0.0"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    os.truncate(paths[1] / IMAGE / "c.0.0.0.0", 100)
    (paths[2] / "zarr.json").unlink()
    dataset = open_dataset(root)
    assert len(dataset) == 3
    assert dataset.damaged == (paths[2],)
    assert sorted(dataset.verify()) == paths[:3]
    with pytest.raises(DatasetError, match="100 bytes, not 24000"):
        dataset.episode(1)


def test_a_full_disk_is_reported_and_keeps_what_was_written(tmp_path: Path, monkeypatch):
    root, real, left = tmp_path / "set", os.write, [20]

    def write(descriptor: int, data: memoryview) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    def fill(writer: EpisodeWriter) -> None:
        for row in range(500):
            writer.add(step(0, row))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        writer = EpisodeWriter(root, SPEC)
        writer.begin({})
        with pytest.raises(DatasetError, match="No space left on device"):
            fill(writer)
        with pytest.raises(DatasetError, match="No space left"):
            writer.close()
    (episode,) = open_dataset(root).episodes()
    assert len(episode) == 9
    assert len(list((root / EPISODES).iterdir())) == 1
