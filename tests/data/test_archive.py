"""Archived episodes hold the same numbers in less space, for every reader, and a kill costs nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from make_episodes import observation, step
from pulled_plug import PulledPlugError, pull_plug

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data import archive as archive_module
from robot_rl.data import derive
from robot_rl.data.archive import archive, expand
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.recorder import EpisodeWriter

STATE, IMAGE, DEPTH = "observation.state", "observation.images.wrist", "observation.depth"
FEATURES = {STATE: Feature((3,)), IMAGE: Feature((40, 40, 3), "uint8"), DEPTH: Feature((50, 60), "uint16")}
SPEC = Spec(observation=FEATURES, action_dim=2, rate=10.0)


def seen(name: int, row: int) -> dict[str, np.ndarray]:
    """A still scene under noise, as a camera gives it."""
    noise = np.random.default_rng([name, row]).normal(0, 2, (40, 40, 3))
    scene = np.random.default_rng(0).integers(20, 230, (40, 40, 3))
    depth = (np.arange(3000, dtype=np.uint16) + row).reshape(50, 60)
    return {STATE: observation(name, row)[STATE], IMAGE: (scene + noise).clip(0, 255).astype(np.uint8), DEPTH: depth}


def record(root: Path, *lengths: int) -> None:
    with EpisodeWriter(root, SPEC) as writer:
        for name, length in enumerate(lengths):
            writer.begin({"episode": name})
            for row in range(length):
                writer.add(StepRecord(**{**vars(step(name, row)), "obs": seen(name, row)}))
            writer.end(seen(name, length))


def check(episode: Episode) -> None:
    name = int(episode.meta["episode"])
    for row in range(len(episode) + 1):
        for key, value in seen(name, row).items():
            np.testing.assert_array_equal(episode.obs[key][row], value)


def test_what_was_archived_comes_back_and_is_smaller(tmp_path: Path):
    record(tmp_path / "set", 20, 7, 8, 1)
    before = open_dataset(tmp_path / "set")
    saving = archive(tmp_path / "set", [0, 1, 3])
    assert saving.episodes == 3
    assert saving.after < 0.6 * saving.before
    dataset = open_dataset(tmp_path / "set")
    assert [e["uuid"] for e in dataset.index] == [e["uuid"] for e in before.index]
    assert dataset.verify() == []
    for episode in dataset.episodes():
        check(episode)
        assert isinstance(episode.obs[IMAGE], np.memmap) == (episode.number == 2)
    rows = dataset.episode(0).obs[IMAGE]
    assert (rows.shape, rows.dtype, len(rows), rows.nbytes) == ((21, 40, 40, 3), np.uint8, 21, 21 * 4800)
    whole = np.asarray(before.episode(0).obs[IMAGE])
    for key in (slice(3, 19, 2), slice(None), np.array([20, 0, 9, 9]), np.arange(21) % 3 == 0, slice(5, 5)):
        np.testing.assert_array_equal(rows[key], whole[key])
    np.testing.assert_array_equal(rows[-1], whole[-1])
    with pytest.raises(IndexError):
        rows[21]
    assert archive(tmp_path / "set").episodes == 1
    assert archive(tmp_path / "set").episodes == 0
    with pytest.raises(DatasetError, match="no episode 9"):
        archive(tmp_path / "set", [9])


def test_zarr_python_reads_an_archived_episode(tmp_path: Path):
    record(tmp_path / "set", 11)
    archive(tmp_path / "set")
    (episode,) = open_dataset(tmp_path / "set").episodes()
    group = zarr.open_group(str(episode.path), mode="r")
    for name in (IMAGE, DEPTH, STATE):
        np.testing.assert_array_equal(group[name][:], np.asarray(episode.obs[name]))


def test_expanding_gives_the_same_bytes(tmp_path: Path):
    record(tmp_path / "set", 13)
    (path,) = (tmp_path / "set" / "episodes").iterdir()
    before = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    statistics = open_dataset(tmp_path / "set").statistics()
    archive(tmp_path / "set")
    assert open_dataset(tmp_path / "set").statistics()[IMAGE].mean == pytest.approx(statistics[IMAGE].mean)
    expand(tmp_path / "set")
    assert {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_an_archived_episode_can_be_edited(tmp_path: Path):
    record(tmp_path / "set", 20)
    archive(tmp_path / "set")
    with Editor(tmp_path / "set") as editor:
        editor.reward(0, np.ones(20))
        editor.trim(0, 3, 12)
    middle, last = open_dataset(tmp_path / "set", 1).episode(0), open_dataset(tmp_path / "set").episode(0)
    check(middle)
    assert not isinstance(middle.obs[IMAGE], np.memmap)
    np.testing.assert_array_equal(last.obs[IMAGE], middle.obs[IMAGE][3:13])
    assert isinstance(last.obs[IMAGE], np.memmap)
    assert open_dataset(tmp_path / "set").verify() == open_dataset(tmp_path / "set", 1).verify() == []


def test_an_archived_episode_is_loaded_for_training(tmp_path: Path):
    record(tmp_path / "set", 12, 5)
    want = Corpus.of([open_dataset(tmp_path / "set")]).column(IMAGE)
    archive(tmp_path / "set", [0])
    np.testing.assert_array_equal(Corpus.of([open_dataset(tmp_path / "set")]).column(IMAGE), want)


def test_damage_is_found(tmp_path: Path):
    record(tmp_path / "set", 9, 9)
    archive(tmp_path / "set")
    first, second = (Path(e["path"]) / IMAGE / "c.0.0.0.0" for e in open_dataset(tmp_path / "set").index)
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.write_bytes(b"x" + second.read_bytes()[1:])
    dataset = open_dataset(tmp_path / "set")
    assert len(dataset.verify()) == 2
    with pytest.raises(DatasetError, match="no index of 10 rows: the episode is damaged"):
        dataset.episode(0)


CALLS = ((os, "link"), (derive, "sync"), (archive_module, "write_file"), (archive_module, "_exchange"), (os, "rmdir"))


def is_broken_off(convert, root: Path, survive: int, patch: pytest.MonkeyPatch) -> bool:
    """Convert a dataset and pull the plug at call number ``survive`` (from 0)."""
    pull_plug(patch, CALLS, survive)
    try:
        convert(root)
    except PulledPlugError:
        return True
    return False


@pytest.mark.parametrize("convert", [archive, expand])
def test_archiving_broken_off_anywhere_loses_nothing(tmp_path: Path, monkeypatch, convert):
    record(tmp_path / "set", 5, 6)
    if convert is expand:
        archive(tmp_path / "set")
    survive, broken = 0, True
    while broken:
        root = tmp_path / str(survive)
        shutil.copytree(tmp_path / "set", root)
        with monkeypatch.context() as patch:
            broken = is_broken_off(convert, root, survive, patch)
        for episode in open_dataset(root).episodes():
            check(episode)
        assert open_dataset(root).verify() == []
        assert len(open_dataset(root)) == 2
        convert(root)
        assert list((root / ".staging").iterdir()) == []
        survive += max(1, survive // 5)
    assert survive > 10
