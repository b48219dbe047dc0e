"""Transitions from a corpus are those that a replay with the same episodes gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_corpus import recorded
from make_episodes import IMAGE, SPEC, STATE, observation

from robot_rl.core.spec import Feature
from robot_rl.data.copying import Copier, Rows, row_addresses
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.demonstrations import Demonstrations
from robot_rl.data.loading.windows import Window, empty_windows
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay


@pytest.mark.parametrize("n_step", [1, 3])
def test_they_are_the_replays(tmp_path: Path, n_step: int):
    data = recorded(tmp_path / "set", [6, 1, 9, 4])
    replay = Replay(SPEC, 100, seed=4)
    for episode in data.episodes():
        replay.extend(episode)
    demos = Demonstrations(Corpus.of([data]), seed=4)
    assert len(demos) == len(replay) == 20
    got, expected = demos.sample(200, n_step, 0.9), replay.sample(200, n_step, 0.9)
    for name in SPEC.observation:
        np.testing.assert_array_equal(got.obs[name], expected.obs[name])
        np.testing.assert_array_equal(got.next_obs[name], expected.next_obs[name])
    for field in ("action", "reward", "discount"):
        np.testing.assert_array_equal(getattr(got, field), getattr(expected, field))


def test_they_are_the_other_half_of_a_mixture(tmp_path: Path):
    data = recorded(tmp_path / "set", [6, 6], first=50)
    online = Replay(SPEC, 100, seed=0)
    online.extend(recorded(tmp_path / "other", [8], first=3).episode(0))
    batch = Mixture(online, Demonstrations(Corpus.of([data])), 0.5).sample(64)
    assert ((batch.obs[STATE][:, 0] >= 50) == (np.arange(64) % 2 == 1)).all()
    for b in range(64):
        episode, row = (int(x) for x in batch.next_obs[STATE][b, :2])
        np.testing.assert_array_equal(batch.next_obs[IMAGE][b], observation(episode, row)[IMAGE])


def test_what_a_policy_adds_is_sampled_with_its_row(tmp_path: Path):
    data = recorded(tmp_path / "set", [5, 3])
    spec = SPEC.with_feature("more", Feature((1,)))
    added = [{"more": 10 * e.obs[STATE][:, :1] + e.obs[STATE][:, 1:2]} for e in data.episodes()]
    batch = Demonstrations(Corpus(spec, list(data.episodes()), added)).sample(50)
    np.testing.assert_array_equal(batch.next_obs["more"][:, 0], batch.next_obs[STATE][:, :2] @ [10, 1])


@settings(max_examples=60, deadline=None)
@given(
    size=st.one_of(st.integers(1, 300), st.integers(3000, 70_000)),
    count=st.integers(0, 300),
    shift=st.integers(0, 70),
    threads=st.integers(1, 3),
)
def test_rows_of_any_size_and_place_are_copied_exactly(size, count, shift, threads):
    rng = np.random.default_rng(size)
    source = rng.integers(0, 256, (40, size), dtype=np.uint8)
    memory = np.full(size * (count + 2) + shift, 77, np.uint8)
    target = memory[shift:].reshape(count + 2, size)
    rows = rng.integers(0, 40, count)
    at = 1 + rng.permutation(count)
    Copier(threads).copy([Rows(row_addresses(source, rows), target, at)])
    np.testing.assert_array_equal(target[at], source[rows])
    assert (target[0] == 77).all()
    assert (target[-1] == 77).all()
    assert (memory[:shift] == 77).all()


def test_windows_and_shifts_come_from_both_sides_of_a_mixture(tmp_path: Path):
    demos = Demonstrations(Corpus.of([recorded(tmp_path / "set", [9, 7], first=40)]))
    online = Replay(SPEC, 100, seed=0)
    for episode in recorded(tmp_path / "other", [6, 8, 5]).episodes():
        online.extend(episode)
    mixture = Mixture(online, demos, 0.25)
    window = Window(history=2, horizon=3)
    out = empty_windows(SPEC, window, 64)
    mixture.windows_into(out, np.arange(64), window)
    assert (out.obs[STATE][:, -1, 0] >= 40).sum() == 16
    np.testing.assert_array_equal(out.obs[STATE][:, 0, 0], out.obs[STATE][:, 1, 0])
    np.testing.assert_array_equal(out.action[:, 0], out.obs[STATE][:, -1, :2])
    for b in range(0, 64, 5):
        for k in range(2):
            number, row = (int(x) for x in out.obs[STATE][b, k, :2])
            np.testing.assert_array_equal(out.obs[IMAGE][b, k], observation(number, row)[IMAGE])
    batch = mixture.sample(32, augmentation=Augmentation(shift=2))
    moved = [
        (batch.obs[IMAGE][b] != observation(*(int(x) for x in batch.obs[STATE][b, :2]))[IMAGE]).any() for b in range(32)
    ]
    assert 20 < sum(moved) <= 32
    assert any(moved[b] for b in range(32) if batch.obs[STATE][b, 0] >= 40)
