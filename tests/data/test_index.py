"""The index is a cache: a thousand episodes open at once with it, and nothing is wrong without it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from make_episodes import SPEC, observation, step

from robot_rl.core.errors import DatasetError
from robot_rl.data import index
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter


def record(root: Path, count: int) -> None:
    with EpisodeWriter(root, SPEC) as writer:
        for name in range(count):
            writer.begin({"episode": name})
            writer.add(step(name, 0))
            writer.end(observation(name, 1))


def multiply(root: Path, count: int) -> None:
    """Copy the first episode ``count`` times; the copies share their arrays."""
    (first,) = (root / "episodes").iterdir()
    for number in range(1, count):
        copy = root / "episodes" / f"ep{number:06d}-{number}.zarr"
        shutil.copytree(first, copy, copy_function=os.link)
        metadata = json.loads((first / "zarr.json").read_text())
        metadata["attributes"] |= {"number": number, "uuid": str(number)}
        (copy / "zarr.json").unlink()
        (copy / "zarr.json").write_text(json.dumps(metadata))


def test_a_thousand_episodes_open_within_a_second(tmp_path: Path):
    root = tmp_path / "set"
    record(root, 1)
    multiply(root, 1000)
    times = []
    for _ in range(4):
        started = time.process_time()
        dataset = open_dataset(root)
        times.append(time.process_time() - started)
        assert [e["number"] for e in dataset.index] == list(range(1000))
    assert min(times[1:]) < 1.0
    started = time.process_time()
    np.testing.assert_array_equal(dataset.episode(777).observation(0)["observation.images.wrist"].shape, (40, 40, 3))
    assert time.process_time() - started < 0.2


def test_a_changed_episode_is_read_again_and_the_rest_is_not(tmp_path: Path, monkeypatch):
    root, read, real = tmp_path / "set", [], index._read
    monkeypatch.setattr(index, "_read", lambda path: (read.append(path), real(path))[1])
    record(root, 3)
    assert len(open_dataset(root)) == 3
    read.clear()
    path = open_dataset(root).index[1]["path"]
    assert read == []
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["attributes"]["outcome"] = "failure"
    (path / "zarr.json").write_text(json.dumps(metadata))
    assert open_dataset(root).episode(1).outcome == "failure"
    shutil.rmtree(path)
    assert [e.meta["episode"] for e in open_dataset(root).episodes()] == [0, 2]
    assert read == [path]


@pytest.mark.parametrize("harm", ["garbage", "gone", "older", "torn"])
def test_an_index_that_cannot_be_used_is_made_anew(tmp_path: Path, harm: str):
    root = tmp_path / "set"
    record(root, 3)
    before = open_dataset(root).index
    file = root / index.INDEX
    if harm == "older":
        with sqlite3.connect(file) as connection:
            connection.executescript("DROP TABLE episodes; PRAGMA user_version = 77;")
        connection.close()
    elif harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"x" * 5000 if harm == "garbage" else file.read_bytes()[:2000])
    assert open_dataset(root).index == before
    assert open_dataset(root).index == before
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM episodes").fetchone() == (3,)
    connection.close()


def test_a_second_recorder_is_told_who_holds_the_dataset(tmp_path: Path):
    root = tmp_path / "set"
    here = str(Path(__file__).parent)
    script = f"""
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from make_episodes import SPEC
from robot_rl.data.recorder import EpisodeWriter
writer = EpisodeWriter(Path(sys.argv[1]), SPEC)
print("ready", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        with pytest.raises(DatasetError, match=rf"being recorded by another process \(pid {holder.pid} on ") as caught:
            EpisodeWriter(root, SPEC)
        assert "\n" not in str(caught.value)
        assert holder.stdin is not None
        holder.stdin.close()
    EpisodeWriter(root, SPEC).close()
