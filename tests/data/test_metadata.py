"""What is kept beside the numbers: of the episode, and of each step who acted, who rewarded, and when it was seen."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from make_episodes import SPEC, observation, step

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import RewardSource, Source
from robot_rl.data.dataset import open_dataset
from robot_rl.data.provenance import fingerprint, provenance
from robot_rl.data.recorder import EpisodeWriter


def test_an_episode_says_what_it_is(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({"operator": "ada", "seed": 3, "force": math.nan})
        writer.add(step(0, 0))
        writer.annotate({"instruction": "put the peg into the hole", "outcome": "success", "notes": "slow"})
        writer.end(observation(0, 1))
        with pytest.raises(DatasetError, match=r"call annotate\(\) between"):
            writer.annotate({})
        writer.begin({})
        writer.add(step(1, 0, terminated=True))
        with pytest.raises(DatasetError, match="one of success, failure"):
            writer.annotate({"outcome": "sucess"})
        writer.end(observation(1, 1))
        assert writer.last is not None
    first, second = open_dataset(tmp_path / "set").episodes()
    told = {"operator": "ada", "seed": 3, "force": None, "notes": "slow", "instruction": "put the peg into the hole"}
    assert first.meta == told
    assert first.instruction == told["instruction"]
    assert (first.outcome, second.outcome) == ("success", "success")
    assert second.instruction == ""
    assert first.attributes["provenance"] == provenance()
    for path in (first.path, second.path):
        json.loads((path / "zarr.json").read_text(), parse_constant=pytest.fail)


def test_a_killed_recorder_keeps_what_was_annotated(tmp_path: Path):
    writer = EpisodeWriter(tmp_path / "set", SPEC)
    writer.begin({"operator": "ada"})
    for row in range(4):
        writer.add(step(0, row))
    writer.annotate({"notes": "dropped it"})
    writer._episode.close()
    writer._lock.close()
    dataset = open_dataset(tmp_path / "set")
    assert dataset.episode(0).meta == {"operator": "ada", "notes": "dropped it"}
    (recovery,) = dataset.recovered
    assert (recovery.steps, recovery.lost) == (3, 1)
    assert str(recovery) == f"{dataset.episode(0).path.name}: an open episode was recovered with 3 steps, 1 lost"


def test_a_step_says_who_acted_who_rewarded_and_what_was_seen_when(tmp_path: Path):
    correction = {"policy_proposal": np.array([0.5, -0.5], np.float32), "intervention": 2}
    steps = [
        step(0, 0),
        replace(step(0, 1), **correction, reward_source=RewardSource.PERSON, frame_stamps={"wrist": 100.06}),
        replace(step(0, 2), policy_proposal=None, source=Source.SAFETY, reward_source=RewardSource.CLASSIFIER),
    ]
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for one in steps:
            writer.add(one)
        writer.end(observation(0, 3))
    episode = open_dataset(tmp_path / "set").episode(0)
    got = list(episode.steps())
    assert [s.reward_source for s in got] == [RewardSource.TASK, RewardSource.PERSON, RewardSource.CLASSIFIER]
    assert [s.intervention for s in got] == [0, 2, 0]
    assert [s.source for s in got] == [Source.HUMAN, Source.HUMAN, Source.SAFETY]
    np.testing.assert_array_equal(got[1].policy_proposal, [0.5, -0.5])
    np.testing.assert_array_equal(got[2].policy_proposal, steps[2].proposal)
    np.testing.assert_array_equal(episode.frame_stamps["wrist"], [np.nan, 100.06, np.nan])


def test_late_and_missing_steps_are_counted_and_pauses_are_not(tmp_path: Path):
    stamps = [0.0, 0.1, 0.24, 0.34, 0.74, 0.84, 5.0, 5.1]
    sources = dict.fromkeys(range(8), Source.POLICY) | {5: Source.PAUSE}
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for row, stamp in enumerate(stamps):
            writer.add(replace(step(0, row), stamp=stamp, source=sources[row]))
        writer.end(observation(0, 8))
    timing = open_dataset(tmp_path / "set").episode(0).timing
    assert (timing["late"], timing["missing"]) == (2, 3)
    assert timing["gap"] == pytest.approx(0.4)


def test_an_episode_of_an_older_program_is_filled_in(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        writer.add(step(4, 2))
        writer.end(observation(4, 3))
        assert writer.last is not None
        path = writer.last
    metadata = json.loads((path / "zarr.json").read_text())
    for name in ("policy_proposal", "intervention", "reward_source", "frame_stamp.wrist"):
        metadata["attributes"]["sha256"].pop(name)
        for file in (path / name).iterdir():
            file.unlink()
        (path / name).rmdir()
    metadata["attributes"] = {k: v for k, v in metadata["attributes"].items() if k not in ("statistics", "timing")}
    metadata["attributes"]["schema"] = 1
    (path / "zarr.json").write_text(json.dumps(metadata))
    description = json.loads((tmp_path / "set" / "dataset.json").read_text())
    (tmp_path / "set" / "dataset.json").write_text(json.dumps({**description, "schema": 1}))
    dataset = open_dataset(tmp_path / "set")
    episode = dataset.episode(0)
    np.testing.assert_array_equal(episode.policy_proposal, episode.proposal)
    assert np.isnan(episode.frame_stamps["wrist"]).all()
    assert episode.timing == {}
    assert dataset.verify() == []
    assert dataset.statistics()["intervention"].max == 0


@dataclass
class Config:
    rate: float = 10.0
    names: tuple[str, ...] = ("a", "b")


def test_equal_settings_have_equal_fingerprints():
    assert fingerprint(Config()) == fingerprint(Config()) == fingerprint({"names": ["a", "b"], "rate": 10.0})
    assert fingerprint(Config()) != fingerprint(Config(rate=10.5))
