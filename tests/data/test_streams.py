"""Signals that are faster than the steps are kept with their own stamps, through kills, edits and archives."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from make_episodes import SPEC, observation, step

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.data.archive import archive, expand
from robot_rl.data.dataset import open_dataset
from robot_rl.data.episode import Episode
from robot_rl.data.recorder import EpisodeWriter

PER_STEP = 25
"""Samples of the wrench per step."""


def stamp(sample: int) -> float:
    """Of a sample; step 0 is at 100 s, steps are 0.1 s apart."""
    return 100.0 + 0.1 * sample / PER_STEP


def record(root: Path, steps: int) -> EpisodeWriter:
    """An open episode with two streams; the wrench comes from another thread."""
    writer = EpisodeWriter(root, SPEC)
    writer.begin({})
    samples = PER_STEP * steps
    wrench = [np.full(6, i, np.float32) for i in range(samples)]
    thread = threading.Thread(target=lambda: [writer.stream("wrench", stamp(i), wrench[i]) for i in range(samples)])
    thread.start()
    for row in range(steps):
        writer.add(step(0, row))
        writer.stream("grip", stamp(row * PER_STEP), np.uint16(row))
    thread.join()
    return writer


def check(episode: Episode, first: int, last: int) -> None:
    """The wrench has the samples ``first`` to ``last - 1``."""
    stamps, values = episode.stream("wrench")
    np.testing.assert_allclose(stamps, [stamp(i) for i in range(first, last)])
    np.testing.assert_array_equal(values, np.repeat(np.arange(first, last, dtype=np.float32), 6).reshape(-1, 6))


def test_streams_come_back_and_every_zarr_reader_sees_them(tmp_path: Path):
    writer = record(tmp_path / "set", 5)
    for value in (np.zeros(7, np.float32), np.zeros(6)):
        with pytest.raises(SpecError, match=r"stream 'wrench' is .*, it began as float32\(6,\)"):
            writer.stream("wrench", 0.0, value)
    for name, value in (("a/b", 1.0), ("text", "x")):
        with pytest.raises(SpecError, match="without slashes"):
            writer.stream(name, 0.0, value)
    writer.end(observation(0, 5))
    writer.stream("wrench", 0.0, np.zeros(6, np.float32))
    writer.begin({})
    writer.add(step(1, 0))
    writer.end(observation(1, 1))
    writer.close()
    dataset = open_dataset(tmp_path / "set")
    episode = dataset.episode(0)
    assert episode.streams == ("grip", "wrench")
    assert dataset.episode(1).streams == ()
    check(episode, 0, 5 * PER_STEP)
    stamps, values = episode.stream("grip")
    newest = np.searchsorted(stamps, episode.stamp + 1e-9, side="right") - 1
    np.testing.assert_array_equal(values[newest], np.arange(5, dtype=np.uint16))
    group = zarr.open_group(str(episode.path), mode="r")
    np.testing.assert_array_equal(group["streams/wrench/value"][:], episode.stream("wrench")[1])
    assert dataset.verify() == []
    with pytest.raises(DatasetError, match=r"no stream 'force'; it has \['grip', 'wrench'\]"):
        episode.stream("force")
    (file,) = (episode.path / "streams" / "wrench" / "value").glob("c.*")
    file.write_bytes(file.read_bytes()[:-4] + b"oops")
    assert open_dataset(tmp_path / "set").verify() == [episode.path]


def test_a_kill_costs_a_stream_its_torn_sample(tmp_path: Path):
    writer = record(tmp_path / "live", 4)
    while writer.committed < 4:
        pass
    shutil.copytree(tmp_path / "live", tmp_path / "set")
    writer.discard()
    writer.close()
    (log,) = (tmp_path / "set" / ".staging").glob("*/streams/wrench.log")
    os.truncate(log, log.stat().st_size - 5)
    dataset = open_dataset(tmp_path / "set")
    check(dataset.episode(0), 0, 4 * PER_STEP - 1)
    assert dataset.verify() == []


def test_streams_are_cut_and_archived_with_their_episode(tmp_path: Path):
    writer = record(tmp_path / "set", 10)
    writer.end(observation(0, 10))
    with writer.editor() as editor:
        editor.split(0, [4])
        editor.reward(2, np.zeros(6))
    writer.close()
    for version, spans in ((0, [(0, 10)]), (1, [(0, 4), (4, 10)]), (2, [(0, 4), (4, 10)])):
        episodes = open_dataset(tmp_path / "set", version).episodes()
        for episode, (first, last) in zip(episodes, spans, strict=True):
            check(episode, first * PER_STEP, last * PER_STEP)
    for change in (archive, expand):
        change(tmp_path / "set")
        dataset = open_dataset(tmp_path / "set")
        check(dataset.episode(1), 4 * PER_STEP, 10 * PER_STEP)
        assert dataset.verify() == []
