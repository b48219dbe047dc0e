"""How fresh a step was is stored with it, survives export and edits, and is unknown where nobody measured it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_episodes import SPEC, observation, step

from robot_rl.apps.main import run as robot_rl
from robot_rl.core.freshness import Freshness
from robot_rl.core.records import Source
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.layout import AGES, FRESHNESS
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.review.curves import curves
from robot_rl.data.review.overview import overview

MEASURED = Freshness(
    observation_age=0.03125, action_age=0.125, overrun=0.25, missed=2, weights_version=70_000, weights_age=1.5
)


def recorded(root: Path) -> Path:
    """A dataset of one episode whose second step was measured; its episode's folder."""
    with EpisodeWriter(root, SPEC) as writer:
        writer.begin({})
        for row in range(3):
            writer.add(replace(step(0, row), freshness=MEASURED) if row == 1 else step(0, row))
        writer.end(observation(0, 3))
        assert writer.last is not None
        return writer.last


def test_every_figure_comes_back_and_an_unmeasured_step_says_so(tmp_path: Path):
    recorded(tmp_path / "set")
    episode = open_dataset(tmp_path / "set").episode(0)
    assert [s.freshness for s in episode.steps()][1] == MEASURED
    for name in AGES:
        assert np.isnan(episode.freshness[name]).tolist() == [True, False, True]
    assert episode.freshness["missed"].tolist() == [0, 2, 0]


def test_a_dataset_says_who_acted_and_how_late_everything_was(tmp_path: Path, capsys):
    corrections = {"source": Source.HUMAN, "intervention": 1}
    rows = [
        replace(
            step(0, 0), source=Source.POLICY, freshness=replace(MEASURED, overrun=0.0, missed=0, weights_version=3)
        ),
        replace(step(0, 1), source=Source.POLICY, freshness=MEASURED),
        replace(step(0, 2), **corrections, freshness=replace(MEASURED, observation_age=0.09375)),
        replace(step(0, 3), **corrections),
    ]
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        for _ in range(2):
            writer.begin({})
            for one in rows:
                writer.add(one)
            writer.end(observation(0, 4))
    dataset = open_dataset(tmp_path / "set")
    assert dataset.episode(0).attributes["ledger"]["versions"] == 2
    found = overview(dataset).ledger
    assert (found.steps, found.person, found.share, found.interventions) == (8, 4, 0.5, 2)
    assert (found.overruns, found.missed) == (4, 8)
    assert found.ages["observation_age"].steps == 6
    assert found.ages["observation_age"].mean == pytest.approx((2 * 0.03125 + 0.09375) / 3)
    assert found.ages["observation_age"].most == pytest.approx(0.09375)
    with Editor(tmp_path / "set") as editor:
        editor.trim(0, 0, 2)
    cut = overview(open_dataset(tmp_path / "set")).ledger
    assert (cut.steps, cut.person, cut.interventions, cut.overruns) == (6, 2, 1, 3)
    assert robot_rl(["data", "info", str(tmp_path / "set")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "33.3% of the steps, took over once" in shown
    assert "3 overruns, 6 periods dropped" in shown
    assert "observation age 43.8 ms, at most 93.8 ms" in shown


def test_the_review_page_draws_what_was_measured(tmp_path: Path):
    recorded(tmp_path / "set")
    charts = {c["title"]: c["lines"] for c in curves(open_dataset(tmp_path / "set").episode(0), SPEC)}
    lines = charts["age [ms]: observation, action, weights, overrun"]
    assert [line["values"] for line in lines[:2]] == [[None, 31.25, None], [None, 125.0, None]]
    assert lines[3]["values"] == [0.0, 250.0, 0.0]


def test_a_cut_keeps_the_rows_it_keeps(tmp_path: Path):
    recorded(tmp_path / "set")
    with Editor(tmp_path / "set") as editor:
        editor.trim(0, 1, 3)
    cut = open_dataset(tmp_path / "set").episode(0)
    assert next(cut.steps()).freshness == MEASURED
    assert len(cut) == 2


def test_an_episode_of_a_program_that_did_not_measure_is_of_unknown_age(tmp_path: Path):
    path = recorded(tmp_path / "set")
    metadata = json.loads((path / "zarr.json").read_text())
    for name, _ in FRESHNESS:
        metadata["attributes"]["sha256"].pop(name)
        metadata["attributes"]["statistics"].pop(name)
        for file in (path / name).iterdir():
            file.unlink()
        (path / name).rmdir()
    metadata["attributes"]["schema"] = 2
    (path / "zarr.json").write_text(json.dumps(metadata))
    dataset = open_dataset(tmp_path / "set")
    episode = dataset.episode(0)
    assert all(np.isnan(episode.freshness[name]).all() for name in AGES)
    assert episode.freshness["overrun"].tolist() == [0, 0, 0]
    assert dataset.verify() == []
    with Editor(tmp_path / "set") as editor:
        editor.trim(0, 0, 2)
    assert np.isnan(open_dataset(tmp_path / "set").episode(0).freshness["action_age"]).all()
