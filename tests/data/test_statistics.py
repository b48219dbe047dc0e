"""Summaries and sketches of parts add up to those of the whole, and say what numpy says of all numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_episodes import IMAGE, SPEC, STATE, observation, step

from robot_rl.data import statistics
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.sketch import ERROR, Sketch, nothing
from robot_rl.data.statistics import QUANTILES
from robot_rl.data.summary import Summary, empty

PARTS = st.lists(st.integers(0, 40), min_size=1, max_size=6)


def parts_of(sizes: list[int], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 1e-6, 1e5])
    return [(rng.standard_normal((n, 3)) * scale + np.array([0.0, 0.0, 1e7])).astype(np.float32) for n in sizes]


@settings(deadline=None, max_examples=60)
@given(PARTS, st.integers(0, 9))
def test_parts_add_up(sizes: list[int], seed: int):
    parts = parts_of(sizes, seed)
    whole = np.concatenate(parts).astype(np.float64)
    total = sum((Summary.of(p) for p in parts), empty(3))
    assert total.count == len(whole)
    if len(whole):
        np.testing.assert_array_equal(total.low, whole.min(axis=0))
        np.testing.assert_array_equal(total.high, whole.max(axis=0))
        np.testing.assert_allclose(total.mean, whole.mean(axis=0), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(total.std, whole.std(axis=0), rtol=1e-9)
        assert Summary.from_json(total.to_json()).to_json() == total.to_json()


@settings(deadline=None, max_examples=60)
@given(PARTS, st.integers(0, 9))
def test_quantiles_are_within_the_promised_error(sizes: list[int], seed: int):
    parts = parts_of(sizes, seed)
    whole = np.concatenate(parts)
    sketch = nothing()
    for part in parts:
        sketch = sketch.add(Sketch.of(part))
    for q in (0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0):
        got = sketch.quantile(q, 3)
        if len(whole) == 0:
            assert np.isnan(got).all()
            continue
        want = np.quantile(whole.astype(np.float64), q, axis=0, method="lower")
        assert (np.abs(got - want) <= ERROR * np.abs(want)).all()


def test_a_part_can_be_taken_away_again():
    first, second = parts_of([30, 50], 1)
    both = Sketch.of(first).add(Sketch.of(second))
    left = both.add(Sketch.of(second), -1)
    np.testing.assert_array_equal(left.keys, Sketch.of(first).keys)
    np.testing.assert_array_equal(left.counts, Sketch.of(first).counts)


def test_zero_and_numbers_that_are_not_finite():
    rows = np.array([[0.0], [-0.0], [np.nan], [np.inf], [0.0]])
    assert Sketch.of(rows).quantile(0.5, 1) == [0.0]
    assert Summary.of(rows).count == 3
    assert Summary.of(rows).std == [0.0]


def test_counts_of_bytes_say_all_about_an_image():
    image = np.random.default_rng(0).integers(3, 250, (7, 5, 4, 3), dtype=np.uint8)
    pixels = image.reshape(-1, 3)
    counts = np.stack([np.bincount(pixels[:, c], minlength=256) for c in range(3)])
    got, want = Summary.of_counts(counts), Summary.of(pixels)
    assert (got.count, got.low.tolist(), got.high.tolist()) == (want.count, want.low.tolist(), want.high.tolist())
    assert got.mean == pytest.approx(want.mean)
    assert got.std == pytest.approx(want.std)


def record(root: Path, *names: int) -> None:
    with EpisodeWriter(root, SPEC) as writer:
        for name in names:
            writer.begin({})
            for row in range(12 + name):
                writer.add(step(name, row))
            writer.end(observation(name, 12 + name))


def check_against_numpy(root: Path, opened: list[Path]) -> None:
    dataset = open_dataset(root)
    opened.clear()
    episodes, got = list(dataset.episodes()), dataset.statistics()
    images = np.concatenate([e.obs[IMAGE].reshape(-1, 3) for e in episodes])
    states = np.concatenate([e.obs[STATE] for e in episodes])
    ledger = np.concatenate([e.energy["tank"] for e in episodes])[:, None]
    for name, want, error in ((IMAGE, images, 0.0), (STATE, states, ERROR), ("tank", ledger, ERROR)):
        found = got[name]
        assert found.count == len(want)
        np.testing.assert_allclose(found.min, want.min(axis=0))
        np.testing.assert_allclose(found.max, want.max(axis=0))
        np.testing.assert_allclose(found.mean, want.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(found.std, want.std(axis=0, dtype=np.float64), atol=1e-6)
        for key, q in QUANTILES.items():
            exact = np.quantile(want, q, axis=0, method="lower")
            np.testing.assert_allclose(getattr(found, key), exact, rtol=error, atol=1e-9)


def test_a_dataset_knows_its_statistics_and_reads_an_episode_once(tmp_path: Path, monkeypatch):
    root, opened = tmp_path / "set", []
    real = statistics.read_column

    def watched(entry, name, layout):
        opened.append(entry["path"])
        return real(entry, name, layout)

    monkeypatch.setattr(statistics, "read_column", watched)
    record(root, 0, 1)
    check_against_numpy(root, opened)
    assert len(set(opened)) == 2
    record(root, 2, 3)
    check_against_numpy(root, opened)
    assert len(set(opened)) == 2, "episodes that were counted before are read again"
    shutil.rmtree(sorted((root / "episodes").iterdir())[1])
    check_against_numpy(root, opened)
    (root / "index.sqlite").unlink()
    check_against_numpy(root, opened)
    (root / "index.sqlite").write_bytes(b"not a database, and longer than the hundred bytes of a header" * 4)
    check_against_numpy(root, opened)
    assert open_dataset(root).statistics()[STATE].count == 12 + 14 + 15 + 3
