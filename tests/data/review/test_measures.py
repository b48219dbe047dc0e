"""Quality, coverage, and the advice that follows from them."""

from dataclasses import replace

import numpy as np
import pytest
from make_reviewed import STATE, demonstration, record, with_obs

from robot_rl.core.errors import ConfigError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.review.distinct import Distinct
from robot_rl.data.review.measures import measure


@pytest.mark.parametrize("count", [0, 1, 100, 30_000, 300_000])
def test_different_rows_are_counted_within_two_percent(count):
    rows = np.stack([np.arange(count) % 1000, np.arange(count) // 1000, np.full(count, -3)], axis=1)
    distinct = Distinct()
    for start in range(0, count, 50_000):
        distinct.add(rows[start : start + 50_000])
        distinct.add(rows[start : start + 10_000])
    assert distinct.count == pytest.approx(count, rel=0.02, abs=0.6)


def failing(share):
    def spoil(steps, episode):
        failed = episode < 10 * share
        return [replace(s, reward=s.reward * (not failed), success=s.success and not failed) for s in steps]

    return spoil


def parked(steps, _episode):
    return [replace(with_obs(s, state=steps[0].obs[STATE] * 0), action=np.zeros(2, np.float32)) for s in steps]


def test_quality_of_sparse_rewards_is_the_share_of_successes(tmp_path):
    found = measure(open_dataset(record(tmp_path / "data", failing(0.3))))
    assert found.tq == pytest.approx(0.7)
    assert (found.worst, found.best, found.saco) == (0.0, 1.0, None)
    assert found.different == pytest.approx(300, rel=0.02)
    assert "weight episodes by return" in found.advice


def test_coverage_is_of_the_reference(tmp_path):
    reference = open_dataset(record(tmp_path / "online"))
    parked_one = open_dataset(record(tmp_path / "parked", parked))
    found = measure(parked_one, reference)
    assert found.different == pytest.approx(1, abs=0.1)
    assert found.saco == pytest.approx(1 / 300, rel=0.1)
    assert (found.tq, "imitate" in found.advice) == (1.0, True)
    third = open_dataset(record(tmp_path / "third", lambda steps, i: demonstration(i, 20), episodes=5))
    assert measure(third, reference).saco == pytest.approx(100 / 300, rel=0.05)
    assert measure(third, third).saco == 1.0


def test_each_quarter_of_the_plane_has_its_advice(tmp_path):
    broad = open_dataset(record(tmp_path / "broad"))
    narrow_bad = open_dataset(record(tmp_path / "bad", lambda s, i: failing(0.5)(parked(s, i), i)))
    broad_bad = open_dataset(record(tmp_path / "mixed", failing(0.5)))
    said = [measure(one, broad).advice for one in (broad, narrow_bad, broad_bad)]
    assert [words in advice for words, advice in zip(("both", "neither", "learn values"), said, strict=True)] == [
        True
    ] * 3


def test_dense_rewards_need_a_best_and_a_worst(tmp_path):
    def dense(steps, episode):
        return [replace(s, reward=-1.0 - episode) for s in steps]

    data = open_dataset(record(tmp_path / "dense", dense))
    found = measure(data)
    assert (found.worst, found.best) == (-300.0, -30.0)
    assert found.tq == pytest.approx((-165 + 300) / 270)
    assert measure(data, worst=-330, best=0).tq == pytest.approx(0.5)
    with pytest.raises(ConfigError, match="--worst and --best"):
        measure(data, worst=1, best=1)
