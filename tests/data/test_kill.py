"""A recorder killed at any moment: every saved episode is whole, and the open one keeps every written row."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from make_episodes import IMAGE, SPEC, STATE, observation, step
from pulled_plug import PulledPlugError, pull_plug

from robot_rl.core.records import StepRecord
from robot_rl.data import commit, files, layout
from robot_rl.data.dataset import open_dataset
from robot_rl.data.episode import Episode
from robot_rl.data.recorder import EpisodeWriter


def check_rows(episode: Episode, name: int) -> None:
    """Every number of the episode is the one that was recorded."""
    for row in range(len(episode) + 1):
        for key, value in observation(name, row).items():
            np.testing.assert_array_equal(episode.obs[key][row], value)
    for row, got in enumerate(episode.steps()):
        want = step(name, row, terminated=got.terminated)
        same(got, want)
    assert not episode.terminated[:-1].any()


def same(got: StepRecord, want: StepRecord) -> None:
    for key, value in vars(want).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(got, key), value)
        elif key == "freshness":
            np.testing.assert_equal(vars(got.freshness), vars(value))  # ages that nobody measured are NaN
        elif key != "obs":
            assert getattr(got, key) == value, key


def kill_after(root: Path, first: int, delay: float) -> tuple[dict[int, int], int, int]:
    """Run a recorder and kill it ``delay`` s after its first row; what it said: saved lengths, open episode, rows."""
    command = [sys.executable, str(Path(__file__).with_name("recorder_process.py")), str(root), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    words = [line.split() for line in lines if line.endswith("\n")]
    saved = {int(w[1]): int(w[2]) for w in words if w[0] == "saved"}
    rows = [(int(w[1]), int(w[2])) for w in words if w[0] == "row"]
    return saved, *rows[-1]


def test_nothing_saved_is_lost_when_the_recorder_is_killed(tmp_path: Path):
    rng = np.random.default_rng(7)
    saved: dict[int, int] = {}
    first, recovered = 0, 0
    for kills in range(60):
        if kills >= 12 and recovered >= 3:  # a busy machine needs more of them to hit an open episode
            break
        done, open_episode, committed = kill_after(tmp_path / "set", first, rng.uniform(0.0, 0.25))
        saved |= done
        dataset = open_dataset(tmp_path / "set")
        found = {e.meta["episode"]: e for e in dataset.episodes()}
        assert len(found) == len(dataset), "an episode appears twice"
        assert set(saved) <= set(found)
        assert dataset.verify() == []
        for name, episode in found.items():
            check_rows(episode, name)
            assert len(episode) == saved.get(name, len(episode))
        if open_episode not in done and committed > 1:
            recovered += 1
            assert len(found[open_episode]) >= committed - 1
        saved |= {name: len(episode) for name, episode in found.items()}
        first = max(saved) + 1 if saved else 0
    assert len(saved) > 12
    assert recovered >= 3


def record_one(root: Path, name: int, length: int = 5) -> None:
    with EpisodeWriter(root, SPEC) as writer:
        writer.begin({"episode": name})
        for row in range(length):
            writer.add(step(name, row, terminated=row == length - 1))
        writer.end(observation(name, length))


CALLS = (
    (os, "truncate"),
    (os, "rename"),
    (commit, "write_file"),
    (commit, "_write_column"),
    (commit, "sync"),
    (files, "sync"),
    (shutil, "rmtree"),
    (Path, "unlink"),
)


def record_until(root: Path, name: int, patch: pytest.MonkeyPatch, survive: int) -> int:
    """Record one episode, pull the plug at the close's call number ``survive`` (from 0); calls made if it went well."""
    left = pull_plug(patch, CALLS, survive)
    record_one(root, name)
    return survive - left[0]


def test_a_close_broken_off_anywhere_is_completed_later(tmp_path: Path, monkeypatch):
    record_one(tmp_path / "whole", 1)
    with monkeypatch.context() as patch:
        total = record_until(tmp_path / "whole", 0, patch, 10_000)
    assert total > 40
    for survive in (*range(0, total - 8, 5), *range(total - 8, total)):
        root = tmp_path / str(survive)
        record_one(root, 0)
        with monkeypatch.context() as patch, pytest.raises(PulledPlugError):
            record_until(root, 1, patch, survive)
        dataset = open_dataset(root)
        assert [e.meta["episode"] for e in dataset.episodes()] == [0, 1]
        assert [e.outcome for e in dataset.episodes()] == ["success", "success"]
        for name in (0, 1):
            check_rows(dataset.episode(name), name)
        assert list((root / layout.STAGING).iterdir()) == []
        assert dataset.verify() == []


def staged_copy(tmp_path: Path) -> Path:
    """A dataset with an open episode of 6 steps, as a kill leaves it; returns the staging folder."""
    writer = EpisodeWriter(tmp_path / "live", SPEC)
    writer.begin({"episode": 3})
    for row in range(6):
        writer.add(step(3, row))
    while writer.committed < 6:
        time.sleep(0.001)
    shutil.copytree(tmp_path / "live", tmp_path / "set")
    writer.discard()
    writer.close()
    return next((tmp_path / "set" / layout.STAGING).iterdir())


@pytest.mark.parametrize("cut", [1, 7, 300])
def test_a_torn_record_ends_the_episode_before_it(tmp_path: Path, cut: int):
    folder = staged_copy(tmp_path)
    log = folder / layout.LOG
    size = log.stat().st_size
    os.truncate(log, size - cut)
    (episode,) = open_dataset(tmp_path / "set").episodes()
    whole = (size - cut) // layout.Layout(SPEC).record.itemsize
    assert len(episode) == whole - 1
    assert episode.outcome == "interrupted"
    check_rows(episode, 3)


def test_a_row_that_a_power_cut_spoiled_ends_the_episode_before_it(tmp_path: Path):
    folder = staged_copy(tmp_path)
    file = layout.chunk_file(folder / layout.GROUP, IMAGE, SPEC.observation[IMAGE])
    content = bytearray(file.read_bytes())
    content[4 * 4800 + 17] ^= 1
    file.write_bytes(bytes(content))
    (episode,) = open_dataset(tmp_path / "set").episodes()
    assert len(episode) == 3
    check_rows(episode, 3)


def test_lost_meta_and_empty_staging_do_not_stop_recovery(tmp_path: Path):
    folder = staged_copy(tmp_path)
    (folder / layout.META).write_text("")
    (folder.parent / "empty").mkdir()
    (episode,) = open_dataset(tmp_path / "set").episodes()
    assert episode.meta == {}
    assert len(episode) == 5
    assert list(folder.parent.iterdir()) == []


def test_a_dataset_without_images_recovers_once(tmp_path: Path, monkeypatch):
    spec = SPEC.without_images()
    writer = EpisodeWriter(tmp_path / "set", spec)
    writer.begin({})
    writer.add(step(0, 0))
    with monkeypatch.context() as patch:
        pull_plug(patch, ((commit, "remove"),), 0)
        with pytest.raises(PulledPlugError):
            writer.end(observation(0, 1))
    writer.close()
    assert len(open_dataset(tmp_path / "set")) == 1
    assert open_dataset(tmp_path / "set").episode(0).obs[STATE].shape == (2, 3)
