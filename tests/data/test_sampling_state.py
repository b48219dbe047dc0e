"""What decides the next draws can be taken out, kept as JSON, and put back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from make_episodes import SPEC, STATE, observation, step
from replay_model import PLAIN, fill

from robot_rl.core.errors import CheckpointError
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.demonstrations import Demonstrations
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.mixture import Mixture
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.replay import Replay


def filled(episodes: int, seed: int = 0, capacity: int = 1000, spec: Spec = PLAIN) -> Replay:
    replay = Replay(spec, capacity, seed)
    for number in range(episodes):
        fill(replay, number, 1 + number % 7, ("truncated", "terminated", "interrupted")[number % 3])
    return replay


def kept(state: dict) -> dict:
    return json.loads(json.dumps(state))


def test_a_mixture_goes_on_where_another_was():
    first = Mixture(filled(30, 1), filled(9, 2), 0.5)
    first.sample(64, 3, 0.9)
    state = kept(first.state_dict())
    expected = [first.sample(64, 3, 0.9) for _ in range(3)]
    second = Mixture(filled(30, 77), filled(9, 78), 0.5)
    assert (second.sample(64, 3, 0.9).action != expected[0].action).any()
    second.load_state_dict(state)
    for batch in expected:
        again = second.sample(64, 3, 0.9)
        np.testing.assert_array_equal(again.obs[STATE], batch.obs[STATE])
        np.testing.assert_array_equal(again.next_obs[STATE], batch.next_obs[STATE])
        np.testing.assert_array_equal(again.reward, batch.reward)


def test_draws_do_not_depend_on_where_the_ring_begins():
    whole, newest = filled(40, 5, capacity=60), Replay(PLAIN, 60, seed=9)
    for number in range(20, 40):  # more than the ring holds
        fill(newest, number, 1 + number % 7, ("truncated", "terminated", "interrupted")[number % 3])
    newest.load_state_dict(kept(whole.state_dict()))
    np.testing.assert_array_equal(newest.sample(500, 2, 0.9).obs[STATE], whole.sample(500, 2, 0.9).obs[STATE])


def test_demonstrations_and_loaders_go_on(tmp_path: Path):
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        for number in range(3):
            writer.begin({})
            for row in range(8):
                writer.add(step(number, row))
            writer.end(observation(number, 8))
    corpus = Corpus.of([open_dataset(tmp_path / "set")])
    demos, loader = Demonstrations(corpus, seed=1), Loader(corpus, LoaderConfig(batch=32, seed=1))
    states = kept(demos.state_dict()), kept(loader.state_dict())
    expected = demos.sample(32).action, loader.sample().row.copy()
    again = Demonstrations(corpus, seed=2), Loader(corpus, LoaderConfig(batch=32, seed=2))
    for source, state in zip(again, states, strict=True):
        source.load_state_dict(state)
    np.testing.assert_array_equal(again[0].sample(32).action, expected[0])
    np.testing.assert_array_equal(again[1].sample().row, expected[1])


def test_states_that_do_not_fit_are_refused():
    with_demos, without = Mixture(filled(3), filled(3), 0.5), Mixture(filled(3), None, 0.5)
    with pytest.raises(CheckpointError, match="give the same ones"):
        without.load_state_dict(with_demos.state_dict())
    with pytest.raises(CheckpointError, match="another checkpoint"):
        filled(3).load_state_dict({"generator": {"bit_generator": "PCG64"}})
