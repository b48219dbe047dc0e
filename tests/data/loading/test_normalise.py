"""Normalisation there and back, and statistics against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_corpus import SMALL, in_memory
from make_corpus import recorded as on_disk

from robot_rl.core.errors import ConfigError
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.normalise import MODES, measure, recorded, scaling, scalings
from robot_rl.data.loading.windows import Window

STATE = "observation.state"


def corpus() -> Corpus:
    return Corpus(SMALL, in_memory([5, 10, 20], [0.0, 0.0, 0.0]))


def test_statistics_are_those_of_all_rows():
    data = corpus()
    found = measure(data)
    rows = np.concatenate([np.arange(6), np.arange(11), np.arange(21)])
    steps = np.concatenate([np.arange(5), np.arange(10), np.arange(20)])
    for name, column, expected in ((STATE, 1, rows), ("action", 0, steps)):
        got = {key: values[column] for key, values in found[name].items()}
        assert got["mean"] == pytest.approx(expected.mean())
        assert got["std"] == pytest.approx(expected.std())
        assert (got["min"], got["max"]) == (expected.min(), expected.max())
        assert (got["q01"], got["q99"]) == tuple(np.quantile(expected, [0.01, 0.99]))


def test_a_dataset_keeps_the_same_statistics_of_itself(tmp_path: Path):
    data = on_disk(tmp_path / "set", [40, 60])
    kept, measured = recorded(data), measure(Corpus.of([data]))
    for name in (STATE, "action"):
        for key in ("mean", "std", "min", "max"):
            np.testing.assert_allclose(kept[name][key], measured[name][key], atol=1e-6)
        for key in ("q01", "q99"):
            np.testing.assert_allclose(kept[name][key], measured[name][key], rtol=0.01, atol=1.0)
    assert scaling(kept, "action", "quantiles").spread.shape == (2,)


def test_rows_without_weight_are_left_out():
    data = corpus()
    found = measure(data, (data.episode_of == 1).astype(np.float64))
    assert (found[STATE]["max"] == [1.0, 10.0]).all()
    assert found["action"]["max"][0] == 9.0


@pytest.mark.parametrize("mode", MODES)
def test_there_and_back(mode):
    values = np.random.default_rng(0).normal(3.0, 50.0, (1000, 2)).astype(np.float32)
    values[:, 1] = 4.25  # constant
    statistics = {"x": {k: f(values) for k, f in FUNCTIONS.items()}}
    found = scaling(statistics, "x", mode)
    normal = found.apply(values)
    np.testing.assert_allclose(found.invert(normal), values, rtol=1e-5, atol=1e-4)
    assert (normal[:, 1] == 0.0).all()
    if mode == "mean_std":
        assert abs(normal[:, 0].mean()) < 1e-4
        assert normal[:, 0].std() == pytest.approx(1.0, abs=1e-4)
    else:
        share = (abs(normal[:, 0]) <= 1.0 + 1e-6).mean()
        assert share == (1.0 if mode == "min_max" else 0.98)


FUNCTIONS = {
    "mean": lambda rows: rows.mean(axis=0),
    "std": lambda rows: rows.std(axis=0),
    "min": lambda rows: rows.min(axis=0),
    "max": lambda rows: rows.max(axis=0),
    "q01": lambda rows: np.quantile(rows, 0.01, axis=0),
    "q99": lambda rows: np.quantile(rows, 0.99, axis=0),
}


def test_batches_come_normalised():
    data = corpus()
    found = scalings(measure(data), {STATE: "mean_std", "action": "min_max"})
    window = Window(history=2, horizon=3)
    plain = Loader(data, LoaderConfig(batch=64, window=window)).sample()
    batch = Loader(data, LoaderConfig(batch=64, window=window, scalings=found)).sample()
    np.testing.assert_array_equal(batch.row, plain.row)
    np.testing.assert_allclose(found[STATE].invert(batch.obs[STATE]), plain.obs[STATE], atol=1e-4)
    np.testing.assert_allclose(found["action"].invert(batch.action), plain.action, atol=1e-4)
    assert batch.action.min() >= -1.0
    assert batch.action.max() <= 1.0


def test_what_cannot_be_normalised_is_named():
    data = corpus()
    with pytest.raises(ConfigError, match="no statistics for mean_std of 'other'"):
        scaling(measure(data), "other", "mean_std")
    with pytest.raises(ConfigError, match="choose from mean_std"):
        scaling(measure(data), STATE, "median")
    with pytest.raises(ConfigError, match="'reward' cannot be normalised"):
        Loader(data, LoaderConfig(scalings={"reward": scaling(measure(data), "action", "min_max")}))
