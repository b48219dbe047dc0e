"""Replay against a plain model of what was added: next observations, returns, discounts, mixtures."""

from __future__ import annotations

import threading
import tracemalloc
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_episodes import IMAGE, SPEC, STATE, observation, step
from replay_model import ENDS, PLAIN, Row, check_samples, fill, look

from robot_rl.core.errors import ConfigError, DatasetError, SpecError
from robot_rl.core.spec import Feature
from robot_rl.data.dataset import open_dataset
from robot_rl.data.mixture import Mixture
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import empty_batch


@settings(max_examples=60, deadline=None)
@given(
    episodes=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(ENDS)), max_size=12),
    capacity=st.integers(2, 40),
    n_step=st.integers(1, 5),
    gamma=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
)
def test_no_next_state_comes_from_another_episode(episodes, capacity, n_step, gamma):
    replay = Replay(PLAIN, capacity, seed=0)
    rows: deque[Row] = deque(maxlen=capacity)
    for number, (length, end) in enumerate(episodes):
        rows.extend(fill(replay, number, length, end))
        check_samples(replay, list(rows), n_step, gamma)
    assert replay.added == sum(length for length, _ in episodes)


def test_returns_worked_by_hand():
    replay = Replay(PLAIN, 20, seed=0)
    fill(replay, 0, 3, "terminated")  # rewards 0 1 2, then a true end
    fill(replay, 1, 3, "truncated")  # the same, then a time-out
    batch = replay.sample(200, 3, 0.5)
    got = {(int(o[0]), int(o[1])): k for k, o in enumerate(batch.obs[STATE])}
    expected = {
        (0, 0): (1.0, 0.0, 3),
        (0, 1): (2.0, 0.0, 3),
        (0, 2): (2.0, 0.0, 3),
        (1, 0): (1.0, 0.125, 3),
        (1, 1): (2.0, 0.25, 3),
        (1, 2): (2.0, 0.5, 3),
    }
    assert set(got) == set(expected)
    for key, (total, discount, row) in expected.items():
        k = got[key]
        assert (batch.reward[k], batch.discount[k], batch.next_obs[STATE][k, 1]) == (total, discount, row)


def test_rows_are_drawn_evenly_and_by_the_seed():
    first, second, other = (Replay(PLAIN, 50, seed) for seed in (1, 1, 2))
    for replay in (first, second, other):
        for number in range(12):
            fill(replay, number, 5, "truncated")
    draws = [replay.sample(40_000).obs[STATE] for replay in (first, second, other)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    _, counts = np.unique(draws[0], axis=0, return_counts=True)
    assert len(counts) == len(first)
    mean = 40_000 / len(counts)
    assert abs(counts - mean).max() < 5 * np.sqrt(mean)


def test_a_recorded_episode_fills_a_replay_with_an_added_feature(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for row in range(6):
            writer.add(step(4, row, terminated=row == 5))
        writer.end(observation(4, 6))
        writer.begin({})
        for row in range(6):
            writer.add(step(5, row))
        writer.end(None)
    spec = SPEC.with_feature("observation.base_action", Feature((2,)))
    replay = Replay(spec, 100, seed=0)
    for episode in open_dataset(tmp_path / "set").episodes():
        replay.extend(episode, lambda obs: {**obs, "observation.base_action": obs[STATE][:2] * 2})
    assert len(replay) == 6 + 5
    batch = replay.sample(100)
    for b in range(100):
        number, row = (int(x) for x in batch.obs[STATE][b, :2])
        np.testing.assert_array_equal(batch.obs[IMAGE][b], observation(number, row)[IMAGE])
        np.testing.assert_array_equal(batch.next_obs[IMAGE][b], observation(number, row + 1)[IMAGE])
        np.testing.assert_array_equal(batch.next_obs["observation.base_action"][b], [2 * number, 2 * row + 2])
        assert batch.discount[b] == (0.0 if (number, row) == (4, 5) else np.float32(0.99))
    assert {a.dtype for a in batch.obs.values()} == {np.dtype("f4"), np.dtype("u1")}


def test_a_step_after_the_end_of_its_episode_is_refused():
    replay = Replay(PLAIN, 10, seed=0)
    replay.add(replace(step(0, 0, terminated=True), obs=look(0, 0)))
    with pytest.raises(DatasetError, match=r"call end\(\)"):
        replay.add(replace(step(0, 1), obs=look(0, 1)))
    replay.end(look(0, 1))
    assert len(replay) == 1


def test_wrong_data_are_refused_and_nothing_changes():
    replay = Replay(PLAIN, 10, seed=0)
    fill(replay, 0, 3, "terminated")
    with pytest.raises(SpecError, match="mark"):
        replay.add(replace(step(1, 0), obs={STATE: np.zeros(3, np.float32)}))
    with pytest.raises(SpecError, match="action has shape"):
        replay.add(replace(step(1, 0), obs=look(1, 0), action=np.zeros(1, np.float32)))
    assert len(replay) == 3
    with pytest.raises(ConfigError, match="at least 2"):
        Replay(PLAIN, 1, seed=0)


def test_a_batch_can_be_used_again():
    replay = Replay(PLAIN, 100, seed=0)
    fill(replay, 0, 50, "terminated")
    out = empty_batch(PLAIN, 32)
    assert replay.sample(32, 3, 0.9, out) is out
    np.testing.assert_array_equal(out.action, out.obs[STATE][:, :2])
    with pytest.raises(ConfigError, match="contiguous"):
        replay.sample(16, 3, 0.9, replace(out, action=np.zeros((2, 16), np.float32).T))


def test_memory_stays_flat():
    replay = Replay(PLAIN, 200, seed=0)
    out = empty_batch(PLAIN, 64)

    def turn(first: int) -> None:
        for number in range(first, first + 20):
            fill(replay, number, 30, "truncated")
            replay.sample(64, 3, 0.99, out)

    turn(0)
    tracemalloc.start()
    turn(20)
    before, _ = tracemalloc.get_traced_memory()
    turn(40)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 4096


def test_one_thread_may_fill_while_another_samples():
    replay = Replay(PLAIN, 64, seed=0)
    fill(replay, 0, 9, "truncated")
    stop, wrong = threading.Event(), []

    def sample() -> None:
        while not stop.is_set():
            batch = replay.sample(64, 3, 0.99)
            delta = batch.next_obs[STATE] - batch.obs[STATE]
            if (delta[:, 0] != 0).any() or (delta[:, 1] < 1).any() or (delta[:, 1] > 3).any():
                wrong.append(delta)

    thread = threading.Thread(target=sample)
    thread.start()
    for number in range(1, 300):
        fill(replay, number, 1 + number % 9, ENDS[number % len(ENDS)])
    stop.set()
    thread.join()
    assert wrong == []


def filled(first: int, seed: int) -> Replay:
    replay = Replay(PLAIN, 100, seed)
    for number in range(first, first + 4):
        fill(replay, number, 10, "truncated")
    return replay


@pytest.mark.parametrize(("ratio", "count"), [(0.5, 128), (0.25, 64), (0.0, 0), (1.0, 256), (0.3, 76)])
def test_mixtures_interleave(ratio: float, count: int):
    batch = Mixture(filled(0, 0), filled(100, 1), ratio).sample(256, 3, 0.99)
    demo = batch.obs[STATE][:, 0] >= 100
    assert demo.sum() == count
    for part in demo.reshape(8, 32):
        assert abs(part.sum() - ratio * 32) <= 1
    np.testing.assert_array_equal(batch.action, batch.obs[STATE][:, :2])
    np.testing.assert_array_equal(batch.obs[STATE][:, 0], batch.next_obs[STATE][:, 0])


def test_mixtures_take_all_from_the_side_that_has_something():
    empty = Replay(PLAIN, 10, seed=0)
    assert (Mixture(empty, filled(100, 0), 0.5).sample(8).obs[STATE][:, 0] >= 100).all()
    assert (Mixture(filled(0, 0), empty, 0.5).sample(8).obs[STATE][:, 0] < 100).all()
    assert (Mixture(filled(0, 0), None, 0.5).sample(8).obs[STATE][:, 0] < 100).all()
    with pytest.raises(DatasetError, match="no complete step"):
        Mixture(empty, None, 0.5).sample(8)
    with pytest.raises(SpecError, match="different specs"):
        Mixture(empty, Replay(SPEC, 10, seed=0), 0.5)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Mixture(empty, None, 1.5)
