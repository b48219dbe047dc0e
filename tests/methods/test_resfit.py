"""ResFiT: the residual starts as nothing, targets are the paper's, and it mends a biased base."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE
from robot_rl.learner.protocol import augment_episode, to_torch
from robot_rl.methods import resfit
from robot_rl.nets.residual import BASE_ACTION

_spec = importlib.util.spec_from_file_location("problems", Path(__file__).parent / "problems.py")
problems = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(problems)


def make(**changes: object) -> resfit.ResfitLearner:
    config = resfit.Config(**{"hidden": (32, 32), "members": 3, **changes})
    return resfit.make(config, problems.SPEC, base=problems.BiasedBase())


def test_before_training_it_acts_as_the_base_bit_for_bit() -> None:
    policy = make().policy
    policy.reset()
    for state in np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32):
        policy.queue.clear()
        obs = policy.augment({STATE: state})
        want = np.clip(problems.BiasedBase().act({STATE: state})[:1], -1, 1)
        assert np.array_equal(policy.act(obs), want)
        assert np.array_equal(obs[BASE_ACTION], want[0])


def test_base_is_asked_once_per_chunk_and_its_chunk_dies_with_the_episode() -> None:
    policy = make().policy
    base = policy.base
    policy.reset()
    rows = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    added = [policy.augment({STATE: row})[BASE_ACTION] for row in rows]
    assert base.calls == 2
    assert np.array_equal(added[0], added[1])
    policy.reset()
    fresh = policy.augment({STATE: rows[1]})[BASE_ACTION]
    assert base.calls == 3
    assert not np.array_equal(fresh, added[2])


def test_demonstrations_get_the_base_action_of_their_own_episode() -> None:
    policy = make().policy
    states = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    policy.augment({STATE: states[4]})  # leaves half a chunk behind
    added = augment_episode(policy, {STATE: states})
    assert list(added) == [BASE_ACTION]
    assert added[BASE_ACTION].shape == (5, 2)
    want = np.clip(problems.best(states[[0, 0, 2, 2, 4]]) + np.float32(0.25), -1, 1)
    np.testing.assert_array_equal(added[BASE_ACTION], want)


def constant_critics(learner: resfit.ResfitLearner, values: list[float]) -> None:
    """Target critics that return ``values``, one per member, everywhere."""
    with torch.no_grad():
        learner.critic_target.head.weight.zero_()
        learner.critic_target.head.bias.copy_(torch.tensor(values)[:, None, None])


def batch(reward: list[float], discount: list[float]) -> Transition:
    obs = problems.observations(np.random.default_rng(0), len(reward))
    arrays = [np.array(v, np.float32) for v in (reward, discount)]
    action = np.zeros((len(reward), 2), np.float32)
    return to_torch(Transition(obs=obs, action=action, reward=arrays[0], discount=arrays[1], next_obs=obs))


def test_target_is_the_n_step_reward_plus_the_discounted_minimum() -> None:
    learner = make(subset=3, value_max=0.0)
    constant_critics(learner, [0.5, 0.2, 0.9])
    gamma = 0.98
    y = learner.target(batch([0.0, gamma**2, 0.0], [gamma**3, 0.0, gamma**2]))
    np.testing.assert_allclose(y, [gamma**3 * 0.2, gamma**2, gamma**2 * 0.2], rtol=1e-6)


def test_subset_of_one_has_the_mean_of_the_ensemble_as_its_expectation() -> None:
    learner = make(subset=1, value_max=0.0)
    constant_critics(learner, [0.0, 0.3, 0.6])
    ys = torch.stack([learner.target(batch([0.0], [1.0])) for _ in range(600)])
    assert set(np.round(ys.flatten().numpy(), 3)) == {np.float32(0.0), np.float32(0.3), np.float32(0.6)}
    assert abs(float(ys.mean()) - 0.3) < 0.04


def test_targets_stay_in_the_range_of_sparse_rewards() -> None:
    learner = make(subset=3)
    constant_critics(learner, [1.7, 1.8, 1.9])
    assert learner.target(batch([0.0, 1.0], [0.98, 0.0])).tolist() == [1.0, 1.0]
    constant_critics(learner, [-1.0, 1.8, 1.9])
    assert learner.target(batch([0.0], [0.98])).tolist() == [0.0]


def test_actor_waits_for_the_critics_and_stays_within_its_scale() -> None:
    learner = make(critic_warmup=10, actor_every=1, residual_scale=0.1, lr_actor=1e-2)
    rng = np.random.default_rng(0)
    start = {k: v.copy() for k, v in learner.weights().items()}
    for _ in range(10):
        learner.update(problems.one_step_batch(learner, rng))
    assert all(np.array_equal(v, start[k]) for k, v in learner.weights().items())
    for _ in range(60):
        learner.update(problems.one_step_batch(learner, rng))
    moved = learner.weights()
    assert moved["moved"] == 1.0
    obs = {k: torch.from_numpy(v) for k, v in problems.observations(rng, 100).items()}
    residual = learner.actor.residual(learner.actor.features(obs)).detach().abs()
    assert 0.0 < float(residual.max()) <= 0.1 + 1e-6


def test_exploration_is_correlated_and_only_when_asked() -> None:
    learner = make(noise=0.1, noise_memory=0.9)
    learner.actor.moved.fill_(1.0)
    policy = learner.policy
    policy.reset()
    obs = {STATE: np.zeros(3, np.float32), BASE_ACTION: np.zeros(2, np.float32)}
    assert np.array_equal(policy.act(obs), policy.act(obs))
    series: NDArray = np.concatenate([policy.act(obs, explore=True) for _ in range(8000)])
    assert abs(series.std() - 0.1) < 0.015
    assert abs(np.corrcoef(series[:-1, 0], series[1:, 0])[0, 1] - 0.9) < 0.05


def test_residual_without_noise_is_deterministic_after_a_reset() -> None:
    learner = make(critic_warmup=0)
    for i in range(20):
        learner.update(problems.one_step_batch(learner, np.random.default_rng(i)))
    policy = learner.policy
    rows = []
    for _ in range(2):
        policy.reset()
        rows.append(policy.act(policy.augment({STATE: np.ones(3, np.float32)})))
    assert np.array_equal(*rows)


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_sampling_is_what_the_configuration_says(ratio: float) -> None:
    learner = make(n_step=3, gamma=0.98, demo_ratio=ratio)
    assert (learner.sampling.n_step, learner.sampling.gamma, learner.sampling.demo_ratio) == (3, 0.98, ratio)
    assert learner.sampling.chunk == 0
