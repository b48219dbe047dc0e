"""Windows against a plain model: which observation and which action stand where, and what is masked."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_corpus import SMALL, in_memory, recorded
from make_episodes import IMAGE, SPEC, STATE, observation

from robot_rl.core.errors import ConfigError, DatasetError, SpecError
from robot_rl.core.spec import Feature
from robot_rl.data.archive import archive
from robot_rl.data.dataset import open_dataset
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.windows import Window


@settings(max_examples=80, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    history=st.integers(1, 5),
    horizon=st.integers(1, 12),
    back=st.integers(0, 4),
)
def test_no_window_crosses_an_episode(lengths, history, horizon, back):
    window = Window(history=history, horizon=horizon, first_action=-min(back, horizon - 1))
    corpus = Corpus(SMALL, in_memory(lengths, [0.0] * len(lengths)))
    steps = [(e, t) for e, length in enumerate(lengths) for t in range(length)]
    loader = Loader(corpus, LoaderConfig(batch=len(steps), window=window))
    batch = loader.load(np.array([corpus.first[e] + t for e, t in steps]))
    for b, (episode, t) in enumerate(steps):
        for k in range(history):
            row = t - history + 1 + k
            assert batch.obs_mask[b, k] == (row >= 0)
            np.testing.assert_array_equal(batch.obs["observation.state"][b, k], [episode, max(row, 0)])
        for k in range(horizon):
            row = t + window.first_action + k
            assert batch.action_mask[b, k] == (0 <= row < lengths[episode])
            assert batch.action[b, k, 0] == min(max(row, 0), lengths[episode] - 1)


def test_every_step_is_drawn_evenly_and_only_steps(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "set", [5, 1, 9])])
    assert len(corpus) == 15
    rows = np.concatenate([Loader(corpus, LoaderConfig(batch=30_000, seed=3)).sample().row])
    drawn, counts = np.unique(rows, return_counts=True)
    assert drawn.tolist() == [0, 1, 2, 3, 4, 6, *range(8, 17)]
    assert abs(counts - 2000).max() < 5 * np.sqrt(2000)


def test_images_come_from_disk_as_they_were_recorded(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "one", [7, 4]), recorded(tmp_path / "two", [6], first=8)])
    corpus.warm()
    batch = Loader(corpus, LoaderConfig(batch=64, window=Window(history=3, horizon=2))).sample()
    for b in range(64):
        for k in range(3):
            episode, row = (int(x) for x in batch.obs[STATE][b, k, :2])
            np.testing.assert_array_equal(batch.obs[IMAGE][b, k], observation(episode, row)[IMAGE])
        np.testing.assert_array_equal(batch.action[b, 0], batch.obs[STATE][b, -1, :2])


def test_equal_seeds_draw_equal_batches_with_any_number_of_threads(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "set", [40, 40])])
    loaders = [Loader(corpus, LoaderConfig(batch=128, seed=s, threads=t)) for s, t in ((1, 1), (1, 3), (2, 1))]
    first, second, other = ([loader.sample() for _ in range(3)] for loader in loaders)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.obs[IMAGE], b.obs[IMAGE])
        np.testing.assert_array_equal(a.action, b.action)
    assert (first[0].row != other[0].row).any()
    assert (first[0].row != first[1].row).any()


def test_a_prefetched_batch_is_the_one_a_loop_would_have_made(tmp_path: Path):
    corpus = Corpus.of([recorded(tmp_path / "set", [40])])
    config = LoaderConfig(batch=32, seed=5)
    plain = Loader(corpus, config)
    with Loader(corpus, config).prefetch(ahead=2) as batches:
        for _ in range(10):
            batch, expected = next(batches), plain.sample()
            np.testing.assert_array_equal(batch.obs[IMAGE], expected.obs[IMAGE])
            np.testing.assert_array_equal(batch.row, expected.row)


def test_an_error_in_the_thread_reaches_the_caller():
    loader = Loader(Corpus(SMALL, in_memory([4], [0.0])), LoaderConfig(batch=8))
    with loader.prefetch() as batches:
        next(batches)
        loader.corpus.episode_of = loader.corpus.episode_of[:0]  # what the thread needs is gone
        for _ in range(3):  # those that were made ahead
            with contextlib.suppress(IndexError):
                next(batches)
        for _ in range(2):
            with pytest.raises(IndexError):
                next(batches)


def test_a_batch_can_be_used_again():
    loader = Loader(Corpus(SMALL, in_memory([4, 9], [0.0, 0.0])), LoaderConfig(batch=8))
    out = loader.empty()
    assert loader.sample(out) is out
    np.testing.assert_array_equal(out.action[:, 0, 0], out.obs["observation.state"][:, 0, 1])


def test_what_cannot_be_loaded_is_named(tmp_path: Path):
    data = recorded(tmp_path / "set", [3, 3])
    with pytest.raises(DatasetError, match="no episode with outcome interrupted"):
        Corpus.of([data], outcomes=["interrupted"])
    with pytest.raises(SpecError, match=r"has no feature 'observation\.images\.front'"):
        Corpus.of([data], SPEC.with_feature("observation.images.front", Feature((40, 40, 3), "uint8")))
    with pytest.raises(SpecError, match="is uint8"):
        Corpus.of([data], SPEC.with_feature(IMAGE, Feature((20, 20, 3), "uint8")))
    spec, more = SPEC.with_feature("more", Feature((1,))), [{"more": np.zeros((3, 1), np.float32)}] * 2
    with pytest.raises(SpecError, match="one row more than steps"):
        Corpus(spec, list(data.episodes()), more)
    with pytest.raises(DatasetError, match="no episode to load"):
        Corpus(SPEC, [])
    for wrong in ({"history": 0}, {"horizon": 0}, {"horizon": 2, "first_action": -2}, {"first_action": 1}):
        with pytest.raises(ConfigError):
            Window(**wrong)
    assert len(Corpus.of([data], outcomes=["success"])) == 3


def test_archived_episodes_are_loaded_as_the_others(tmp_path: Path):
    recorded(tmp_path / "set", [7, 70])
    corpora = [Corpus.of([open_dataset(tmp_path / "set")])]
    assert archive(tmp_path / "set", [1]).episodes == 1
    corpora.append(Corpus.of([open_dataset(tmp_path / "set")]))
    first, second = (Loader(corpus, LoaderConfig(batch=100)).sample() for corpus in corpora)
    assert (second.row > 8).any()
    np.testing.assert_array_equal(first.obs[IMAGE], second.obs[IMAGE])
    np.testing.assert_array_equal(first.action, second.action)


def test_other_actions_are_refused(tmp_path: Path):
    data = recorded(tmp_path / "set", [3])
    other = SPEC.__class__(observation=SPEC.observation, action_dim=5, rate=10.0)
    with pytest.raises(SpecError, match="actions of 2 numbers, not 5"):
        Corpus.of([data], other)
