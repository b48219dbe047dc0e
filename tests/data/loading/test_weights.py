"""Trajectory weighting and mixing, against the formulas of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_corpus import SMALL, in_memory, recorded

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.weights import Draw, best, by_advantage, by_return, mixed, uniform

LENGTHS = [5, 10, 20]
REWARDS = [2.0, 0.0, 0.25]
"""Returns 10, 0, 5."""


def corpus() -> Corpus:
    return Corpus(SMALL, in_memory(LENGTHS, REWARDS))


def per_episode(data: Corpus, weights: np.ndarray) -> np.ndarray:
    """Chance that a draw comes from each episode."""
    return np.bincount(data.episode_of, weights) / weights.sum()


def test_each_step_inherits_the_softmax_of_its_episode():
    data = corpus()
    np.testing.assert_array_equal(data.returns, [10.0, 0.0, 5.0])
    expected = np.exp(np.array([1.0, 0.0, 0.5]) / 0.2) * LENGTHS
    np.testing.assert_allclose(per_episode(data, by_return(data, 0.2)), expected / expected.sum(), rtol=1e-12)


def test_limits_of_the_temperature():
    data = corpus()
    np.testing.assert_allclose(per_episode(data, by_return(data, 1e6)), np.array(LENGTHS) / 35, rtol=1e-5)
    np.testing.assert_allclose(per_episode(data, by_return(data, 1e-3)), [1.0, 0.0, 0.0], atol=1e-12)
    assert np.isfinite(by_return(data, 1e-9)).all()


def test_equal_returns_are_drawn_evenly():
    data = Corpus(SMALL, in_memory([4, 4, 8], [1.0, 1.0, 0.5]))
    np.testing.assert_array_equal(by_return(data), uniform(data))


def test_advantage_is_the_return_beyond_what_the_start_promises():
    data = Corpus(SMALL, in_memory([5] * 5, [0.0, 1.0, 2.0, 3.0, 9.0]))
    # the start is (episode, 0): returns 0 5 10 15 45, least squares line -5 + 10 e, residuals 5 0 -5 -10 10
    advantage = (np.array([5.0, 0.0, -5.0, -10.0, 10.0]) + 10.0) / 20.0
    expected = np.exp(advantage / 0.1)
    np.testing.assert_allclose(per_episode(data, by_advantage(data, 0.1)), expected / expected.sum(), rtol=1e-6)


def test_the_best_share():
    data = corpus()
    np.testing.assert_allclose(per_episode(data, best(data, 0.67)), [0.2, 0.0, 0.8])
    np.testing.assert_allclose(per_episode(data, best(data, 0.01)), [1.0, 0.0, 0.0])


def test_datasets_are_mixed_by_their_shares(tmp_path: Path):
    data = Corpus.of([recorded(tmp_path / "one", [30, 10]), recorded(tmp_path / "two", [5], first=4)])
    weights = mixed(data, uniform(data), [1.0, 3.0])
    np.testing.assert_allclose(per_episode(data, weights), [0.25 * 0.75, 0.25 * 0.25, 0.75])
    alone = mixed(data, uniform(data), [0.0, 1.0])
    np.testing.assert_allclose(per_episode(data, alone), [0.0, 0.0, 1.0])
    with pytest.raises(ConfigError, match="for 2 datasets"):
        mixed(data, uniform(data), [1.0])
    with pytest.raises(DatasetError, match="no step with a weight"):
        mixed(data, np.where(data.episode_of == 2, 0.0, uniform(data)), [1.0, 1.0])


def test_draws_follow_the_weights():
    data = corpus()
    weights = by_return(data, 0.5)
    rows = Draw(weights, np.random.default_rng(0))(200_000)
    assert (weights[rows] > 0).all()
    expected = per_episode(data, weights)
    seen = np.bincount(data.episode_of[rows], minlength=3) / len(rows)
    assert abs(seen - expected).max() < 5 * np.sqrt(0.25 / len(rows))
    within = np.bincount(rows[data.episode_of[rows] == 0], minlength=5)
    assert abs(within / within.sum() - 0.2).max() < 0.01


def test_weights_that_make_no_sense_are_refused():
    data = corpus()
    for weights in (np.zeros(38), np.full(38, np.nan), np.where(uniform(data) > 0, -1.0, 0.0)):
        with pytest.raises(ConfigError, match="weights must be finite"):
            Draw(weights, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="above 0"):
        by_return(data, 0.0)
    with pytest.raises(ConfigError, match="give a share"):
        best(data, 0.0)
