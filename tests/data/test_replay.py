"""Replay against a plain model of what was added: next observations, returns, discounts, chunks, mixtures."""

from __future__ import annotations

import threading
import tracemalloc
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_episodes import IMAGE, SPEC, STATE, observation, step

from robot_rl.core.errors import ConfigError, DatasetError, SpecError
from robot_rl.core.protocols import EpisodeSink
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.mixture import Mixture
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.replay import Replay, empty_batch

PLAIN = Spec(observation={STATE: Feature((3,)), "mark": Feature((1,), "uint8")}, action_dim=2, rate=10.0)
ENDS = ("terminated", "truncated", "stopped", "interrupted", "interrupted after the end", "open")


@dataclass(frozen=True)
class Row:
    """What the model knows of one stored observation."""

    episode: int
    row: int
    known: bool = False
    """It has an action whose result is known."""
    reward: float = 0.0
    terminated: bool = False


def look(episode: int, row: int) -> dict[str, np.ndarray]:
    return {STATE: np.array([episode, row, 0.5], np.float32), "mark": np.array([episode % 256], np.uint8)}


def fill(sink: EpisodeSink, episode: int, length: int, end: str) -> list[Row]:
    """Add one episode; returns the rows that a replay must hold for it, final observation included."""
    sink.begin({})
    ends = {"terminated": end in ("terminated", "interrupted after the end"), "truncated": end == "truncated"}
    rows = []
    for row in range(length):
        record = step(episode, row, **(ends if row == length - 1 else {}))
        sink.add(replace(record, obs=look(episode, row)))
        rows.append(Row(episode, row, row < length - 1 or end in ENDS[:3], record.reward, record.terminated))
    if end in ENDS[:3]:
        sink.end(look(episode, length))
        rows.append(Row(episode, length))
    elif end != "open":
        sink.end(None)
        sink.end(look(episode, length))  # nothing is open: no effect
    return rows


def expected_return(rows: list[Row], i: int, n_step: int, gamma: float) -> tuple[float, float, Row]:
    total, discount = 0.0, 1.0
    for k in range(n_step):
        row = rows[i + k]
        total += discount * row.reward
        discount *= gamma
        following = rows[i + k + 1]
        assert (following.episode, following.row) == (row.episode, row.row + 1)
        if row.terminated:
            return total, 0.0, following
        if not following.known:
            return total, discount, following
    return total, discount, following


def check_samples(replay: Replay, rows: list[Row], n_step: int, gamma: float) -> None:
    valid = {(row.episode, row.row): i for i, row in enumerate(rows) if row.known}
    assert len(replay) == len(valid)
    if not valid:
        with pytest.raises(DatasetError, match="no complete step"):
            replay.sample(1)
        return
    batch = replay.sample(64, n_step, gamma)
    for b in range(64):
        episode, row = (int(x) for x in batch.obs[STATE][b, :2])
        i = valid[episode, row]
        total, discount, following = expected_return(rows, i, n_step, gamma)
        np.testing.assert_array_equal(batch.next_obs[STATE][b], look(following.episode, following.row)[STATE])
        assert following.episode == episode
        assert batch.obs["mark"][b, 0] == batch.next_obs["mark"][b, 0] == episode % 256
        np.testing.assert_array_equal(batch.action[b], [episode, row])
        assert batch.reward[b] == pytest.approx(total, abs=1e-5)
        assert batch.discount[b] == pytest.approx(discount, abs=1e-6)


def check_chunks(replay: Replay, rows: list[Row], horizon: int) -> None:
    valid = {(row.episode, row.row) for row in rows if row.known}
    if not valid:
        return
    obs, actions, mask = replay.sample_chunks(32, horizon)
    assert actions.shape == (32, horizon, 2)
    assert mask[:, 0].all()
    for b in range(32):
        episode, row = (int(x) for x in obs[STATE][b, :2])
        for h in range(horizon):
            inside = all((episode, row + k) in valid for k in range(h + 1))
            assert mask[b, h] == inside
            last = h if inside else int(mask[b].sum()) - 1
            np.testing.assert_array_equal(actions[b, h], [episode, row + last])


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
        check_chunks(replay, list(rows), 4)
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
