"""Edits do what they say, can be undone, and a kill within one leaves the dataset as it was before or after it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from make_episodes import IMAGE, SPEC, STATE, observation, step
from pulled_plug import PulledPlugError, pull_plug

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import RewardSource
from robot_rl.core.spec import Feature
from robot_rl.data import commit, derive, files
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.recorder import EpisodeWriter

LENGTHS = (6, 4, 9)


def record(root: Path, *names: int) -> None:
    with EpisodeWriter(root, SPEC) as writer:
        for name in names:
            length = LENGTHS[name % 3]
            writer.begin({"episode": name, "operator": "ada"})
            for row in range(length):
                writer.add(step(name, row, terminated=row == length - 1))
            writer.end(observation(name, length))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    record(tmp_path / "set", 0, 1, 2)
    return tmp_path / "set"


def facts(episode: Episode) -> tuple:
    rows = episode.obs[STATE][:, 1].tolist()
    image = int(episode.obs[IMAGE].astype(np.int64).sum())
    return episode.number, episode.outcome, dict(episode.meta), rows, image, episode.reward.tolist()


def contents(root: Path, version: int | None = None) -> list[tuple]:
    dataset = open_dataset(root, version)
    assert dataset.damaged == ()
    return [facts(episode) for episode in dataset.episodes()]


def test_deleting_renumbers_nothing_and_is_undone(root: Path):
    before = contents(root)
    with Editor(root) as editor:
        edit = editor.delete([1], note="he tripped")
        assert str(edit) == "version 1: deleted episode 1 (he tripped)"
        assert contents(root) == [before[0], before[2]]
        with pytest.raises(DatasetError, match="has no episode 1: its numbers go from 0 to 2"):
            editor.delete([1])
        assert "undid version 1" in str(editor.undo())
        with pytest.raises(DatasetError, match="no edit that could be undone"):
            editor.undo()
    assert contents(root) == before
    record(root, 3)
    assert [e.number for e in open_dataset(root).episodes()] == [0, 1, 2, 3]


def test_relabeling(root: Path):
    with Editor(root) as editor:
        editor.relabel([0, 2], outcome="failure", meta={"instruction": "insert the peg", "operator": None})
        with pytest.raises(DatasetError, match="one of success, failure"):
            editor.relabel([0], outcome="good")
    dataset = open_dataset(root)
    assert [e.outcome for e in dataset.episodes()] == ["failure", "success", "failure"]
    assert dataset.episode(0).meta == {"episode": 0, "instruction": "insert the peg"}
    assert open_dataset(root, 0).episode(0).meta == {"episode": 0, "operator": "ada"}
    assert dataset.verify() == []


def test_rewards(root: Path):
    with Editor(root) as editor:
        success = np.array([False, False, True, True])
        editor.reward(1, np.array([0, 0, 1, 1]), success)
        with pytest.raises(DatasetError, match="has 4 steps"):
            editor.reward(1, np.zeros(5))
    old, new = open_dataset(root, 0).episode(1), open_dataset(root).episode(1)
    np.testing.assert_array_equal(new.reward, [0, 0, 1, 1])
    np.testing.assert_array_equal(new.success, success)
    assert set(new.reward_source) == {RewardSource.RELABELED}
    assert (new.path / IMAGE / "c.0.0.0.0").samefile(old.path / IMAGE / "c.0.0.0.0"), "images are stored twice"
    assert open_dataset(root).verify() == []
    rewards = np.concatenate([e.reward for e in open_dataset(root).episodes()])
    assert open_dataset(root).statistics()["reward"].mean == pytest.approx(rewards.mean())


def test_trimming_and_splitting(root: Path):
    before = contents(root)
    with Editor(root) as editor:
        editor.trim(2, 2, 7)
        editor.split(0, [2, 5])
        for cuts in ([0], [3, 3], [6], [-1]):
            with pytest.raises(DatasetError, match="cut between them"):
                editor.split(4, cuts)
    dataset = open_dataset(root)
    got = {e.number: e.obs[STATE][:, :2].tolist() for e in dataset.episodes()}
    assert list(got) == [1, 2, 3, 4, 5]
    assert got[2] == [[2, row] for row in range(2, 8)]
    assert [got[n] for n in (3, 4, 5)] == [[[0, r] for r in rows] for rows in ((0, 1, 2), (2, 3, 4, 5), (5, 6))]
    assert [e.outcome for e in dataset.episodes()] == ["success", "success", "unlabeled", "unlabeled", "success"]
    assert dataset.verify() == []
    trimmed = dataset.episode(1)
    np.testing.assert_array_equal(zarr.open_group(str(trimmed.path), mode="r")[IMAGE][:], trimmed.obs[IMAGE])
    assert trimmed.attributes["parent"] == open_dataset(root, 0).episode(2).uuid
    assert [len(contents(root, version)) for version in (0, 1, 2)] == [3, 3, 5]
    with Editor(root) as editor:
        editor.restore(1)
        assert contents(root) == contents(root, 1)
        editor.undo()
        assert contents(root) == contents(root, 2)
        editor.restore(0)
    assert contents(root) == before


def test_merging_shares_files_and_adds_nothing_twice(root: Path, tmp_path: Path):
    record(tmp_path / "other", 3, 4)
    with Editor(tmp_path / "other") as editor:
        editor.relabel([0], outcome="discarded")
    with Editor(root) as editor:
        editor.merge(tmp_path / "other")
        assert [e.number for e in open_dataset(root).episodes()] == [0, 1, 2, 3, 4]
        assert "merged 0 episodes" in editor.merge(tmp_path / "other").summary
        with pytest.raises(DatasetError, match="is this dataset"):
            editor.merge(root)
        with EpisodeWriter(tmp_path / "third", SPEC.with_feature("force", Feature((6,)))):
            with pytest.raises(DatasetError, match=r"another force \(none, now float32\[6\]\)"):
                editor.merge(tmp_path / "third")
    mine, theirs = open_dataset(root).episode(3), open_dataset(tmp_path / "other").episode(0)
    assert (mine.outcome, mine.meta["episode"]) == ("discarded", 3)
    assert (mine.path / IMAGE / "c.0.0.0.0").samefile(theirs.path / IMAGE / "c.0.0.0.0")
    shutil.rmtree(tmp_path / "other")
    assert open_dataset(root).verify() == []
    assert len(contents(root)) == 5


def test_what_was_purged_is_gone_and_its_number_is_not_given_again(root: Path):
    with Editor(root) as editor:
        editor.delete([1])
        editor.delete([2])
        editor.purge()
        for attempt in (editor.undo, lambda: editor.restore(0)):
            with pytest.raises(DatasetError, match="were purged"):
                attempt()
    assert len(os.listdir(root / "episodes")) == 1
    record(root, 3)
    assert [e.number for e in open_dataset(root).episodes()] == [0, 3]


def test_a_recorder_edits_what_it_recorded(root: Path):
    with EpisodeWriter(root, SPEC) as writer:
        with pytest.raises(DatasetError, match="being recorded"):
            Editor(root)
        with writer.editor() as editor:
            editor.delete([2])
        writer.begin({})
        writer.add(step(5, 0))
        with writer.editor() as editor:
            editor.split(0, [3])
        writer.end(observation(5, 1))
    assert [e.number for e in open_dataset(root).episodes()] == [1, 3, 4, 5]


CALLS = (
    (os, "rename"),
    (os, "replace"),
    (os, "link"),
    (os, "rmdir"),
    (os, "unlink"),
    (derive, "write_file"),
    (derive, "sync"),
    (files, "write_file"),
    (files, "sync"),
    (commit, "write_file"),
)


OPERATIONS: dict[str, Callable[[Editor, Path], object]] = {
    "delete": lambda editor, _: editor.delete([1, 2]),
    "relabel": lambda editor, _: editor.relabel([1, 3], outcome="failure", meta={"notes": "x"}),
    "reward": lambda editor, _: editor.reward(1, np.full(4, 0.5)),
    "trim": lambda editor, _: editor.trim(2, 1, 5),
    "split": lambda editor, _: editor.split(2, [4]),
    "merge": lambda editor, other: editor.merge(other),
    "undo": lambda editor, _: editor.undo(),
    "restore": lambda editor, _: editor.restore(0),
    "purge": lambda editor, _: editor.purge(),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_edit_broken_off_anywhere_is_whole_or_not_there(tmp_path: Path, monkeypatch, operation: str):
    record(tmp_path / "set", 0, 1, 2)
    record(tmp_path / "other", 4, 5)
    with Editor(tmp_path / "set") as editor:
        editor.split(0, [2])
    states, survive = [], 0
    while True:
        root = tmp_path / str(survive)
        shutil.copytree(tmp_path / "set", root)
        broken = False
        before = contents(root)
        with monkeypatch.context() as patch:
            pull_plug(patch, CALLS, survive)
            try:
                with Editor(root) as editor:
                    OPERATIONS[operation](editor, tmp_path / "other")
            except PulledPlugError:
                broken = True
        states.append("before" if contents(root) == before else "after")
        assert open_dataset(root).verify() == []
        if not broken:
            break
        with Editor(root) as editor:
            if states[-1] == "before":
                OPERATIONS[operation](editor, tmp_path / "other")
        after = contents(root)
        assert (after != before) == (operation != "purge")
        assert list((root / ".staging").glob("*")) == []
        survive += max(1, survive // 6)
    assert operation == "purge" or (states[0], states[-1]) == ("before", "after")
    assert states == sorted(states, reverse=True)
    assert survive >= 4
