"""Learning from recordings of mixed quality: what is chosen, how often it is drawn, and that it pays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.learner.offline import Choice, Recordings, demonstrations, statistics, train
from robot_rl.methods import bc

STATE = "observation.state"
SPEC = Spec(observation={STATE: Feature((2,))}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)


def right(state: np.ndarray) -> np.ndarray:
    """The action that succeeds."""
    return (0.8 * state[..., :1]).astype(np.float32)


def recorded(root: Path, good: int, bad: int, steps: int = 8) -> Dataset:
    """Episodes that succeed by the right action, and ones that run out of time with the opposite one."""
    rng = np.random.default_rng(good + 100 * bad)
    with EpisodeWriter(root, SPEC) as writer:
        for i in range(good + bad):
            writer.begin({})
            for t in range(steps):
                state = rng.uniform(-1, 1, 2).astype(np.float32)
                action = right(state) if i < good else -right(state)
                end, success = t == steps - 1, t == steps - 1 and i < good
                facts = {"success": success, "terminated": success, "truncated": end and not success}
                stamps = {"source": Source.HUMAN, "stamp": 0.1 * t, "energy": ENERGY, "peak_force": 0.0}
                obs = {STATE: state}
                writer.add(
                    StepRecord(obs=obs, action=action, proposal=action, reward=float(success), **facts, **stamps)
                )
            writer.end({STATE: np.zeros(2, np.float32)})
    return open_dataset(root)


def learner(updates: int) -> bc.BCLearner:
    config = bc.Config(pred_horizon=1, exec_horizon=1, hidden=(32,), batch_size=64, updates=updates, input_noise=0.0)
    return bc.make(config, SPEC)


def error(recordings: Recordings) -> float:
    """Mean distance from the right action after a short training."""
    torch.set_num_threads(1)
    pupil = learner(300)
    train(pupil, demonstrations(recordings, pupil), 300, lambda _count, _metrics: None)
    states = np.random.default_rng(9).uniform(-1, 1, (200, 2)).astype(np.float32)
    with torch.no_grad():
        obs = {STATE: torch.from_numpy(states)}
        found = pupil.net(obs, pupil.net.look(obs))[:, 0].numpy()
    return float(abs(found - right(states)).mean())


def test_weighting_by_return_learns_from_a_mixture_that_even_drawing_does_not(tmp_path: Path):
    data = recorded(tmp_path / "set", good=4, bad=36)
    outcomes = ("success", "failure")
    even = error(Recordings([data], Choice(outcomes=outcomes)))
    weighted = error(Recordings([data], Choice(outcomes=outcomes, weighting="return")))
    best = error(Recordings([data], Choice(outcomes=outcomes, weighting="best", share=0.1)))
    only = error(Recordings([data]))
    assert even > 0.5  # it imitates what most episodes did
    assert max(weighted, best, only) < 0.15


def test_datasets_are_drawn_by_their_mixing_weights(tmp_path: Path):
    many, few = recorded(tmp_path / "many", 20, 0), recorded(tmp_path / "few", 3, 0)
    for mixing, expected in (((), 20 / 23), ((1.0, 1.0), 0.5), ((1.0, 3.0), 0.25)):
        demos = demonstrations(Recordings([many, few], Choice(mixing=mixing)), learner(1))
        rows = demos.corpus.group[demos.corpus.episode_of]
        share = demos.weights[rows == 0].sum() / demos.weights.sum()
        assert share == pytest.approx(expected)
    assert len(demos) == 23 * 8
    batch = demos.sample(4000)
    first = {tuple(s) for e in many.episodes() for s in e.obs[STATE]}
    drawn = np.mean([tuple(s) in first for s in batch.obs[STATE]])
    assert drawn == pytest.approx(0.25, abs=0.04)


def test_statistics_are_those_of_what_is_chosen(tmp_path: Path):
    data = recorded(tmp_path / "set", good=2, bad=3)
    for outcomes, count in ((("success",), 2), (("success", "failure"), 5)):
        found = statistics(Recordings([data], Choice(outcomes=outcomes)), SPEC)
        rows = np.concatenate([e.obs[STATE] for e in list(data.episodes())[:count]])
        np.testing.assert_allclose(found[STATE], [rows.mean(axis=0), rows.std(axis=0)], rtol=1e-5)


def test_what_cannot_be_chosen_is_refused(tmp_path: Path):
    data = recorded(tmp_path / "set", good=0, bad=1)
    with pytest.raises(DatasetError, match="has no successful episode"):
        statistics(Recordings([data]), SPEC)
    with pytest.raises(DatasetError, match="no interrupted episode"):
        statistics(Recordings([data], Choice(outcomes=("interrupted",))), SPEC)
    with pytest.raises(ConfigError, match="for 1 datasets"):
        demonstrations(Recordings([data], Choice(outcomes=("failure",), mixing=(1.0, 1.0))), learner(1))
