"""Rates and thresholds against counting by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_rl.core.errors import ConfigError
from robot_rl.rewards.frames import NEVER, ahead_of
from robot_rl.rewards.roc import crossed, fpr_at, rates, roc, threshold_for, verdicts

scored = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def split(rows):
    return np.array([s for s, _ in rows], np.float64), np.array([y for _, y in rows])


@given(scored)
@settings(max_examples=80, deadline=None)
def test_the_curve_counts_right(rows):
    score, label = split(rows)
    curve = roc(score, label)
    for threshold, fpr, tpr in zip(curve.threshold, curve.fpr, curve.tpr, strict=True):
        assert (fpr, tpr) == pytest.approx(rates(score, label, threshold))
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    pairs = score[label][:, None] - score[~label]
    assert curve.auc == pytest.approx(float(((pairs > 0) + 0.5 * (pairs == 0)).mean()))


@given(scored, st.floats(0.0, 0.99))
@settings(max_examples=150, deadline=None)
def test_the_threshold_keeps_the_rate_that_was_asked_for_and_sees_all_it_can(rows, asked):
    score, label = split(rows)
    curve = roc(score, label)
    false, true = rates(score, label, threshold_for(curve, asked))
    assert false <= asked
    allowed = [rates(score, label, t) for t in curve.threshold]
    best = max(tpr for fpr, tpr in allowed if fpr <= asked)
    assert true == best
    assert false == min(fpr for fpr, tpr in allowed if fpr <= asked and tpr == best)


def test_between_what_is_apart_the_threshold_stands_in_the_middle():
    score, label = np.array([0.0, 1.0, 5.0, 6.0]), np.array([False, False, True, True])
    assert threshold_for(roc(score, label), 0.0) == threshold_for(roc(score, label), 0.5) == 3.0
    assert fpr_at(roc(score, label), 0.99) == 0.0
    mixed = roc(np.array([0.0, 3.0, 2.0, 4.0]), label)
    assert fpr_at(mixed, 1.0) == 0.5
    assert fpr_at(mixed, 0.5) == 0.0
    with pytest.raises(ConfigError):
        threshold_for(mixed, 1.0)
    with pytest.raises(ConfigError, match="both"):
        roc(score, np.ones(4, bool))


def test_crossed_rates_are_those_of_episodes_that_did_not_choose_the_threshold():
    """Scores of every episode are shifted by a lot of its own: only thresholds from elsewhere can fail."""
    label = np.tile([False, False, True, True], 4)
    episode = np.repeat(np.arange(4), 4)
    score = np.tile([0.0, 1.0, 2.0, 3.0], 4)
    assert crossed(score, label, episode, 0.0) == (0.0, 1.0)
    shifted = score + 10.0 * (episode % 2)
    false, true = crossed(shifted, label, episode, 0.0)
    assert rates(shifted, label, threshold_for(roc(shifted, label), 0.0))[0] == 0.0
    assert false > 0.2
    assert true < 1.0


def test_episodes_as_a_reward_would_have_ended_them():
    label = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 1]], bool)
    said = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], float)
    ahead = np.concatenate([ahead_of(row) for row in label])
    assert ahead[10] == NEVER
    found = verdicts(said.reshape(-1), ahead, np.repeat(np.arange(5), 5), 0.5, near=2)
    assert (found.episodes, found.won, found.false, found.missed, found.late) == (5, 3, 1, 1, 0.5)
    strict = verdicts(said.reshape(-1), ahead, np.repeat(np.arange(5), 5), 0.5, near=0)
    assert strict.false == 2
