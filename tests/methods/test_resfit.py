"""ResFiT: the residual starts as nothing, targets are the paper's, and it mends a biased base."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from robot_rl.core.records import EnergyState, Mode, Observation, Source, StepRecord, Transition
from robot_rl.core.spec import STATE
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.learner.offline import Recordings, demonstrations
from robot_rl.learner.protocol import to_torch
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


def observed(state: NDArray) -> Observation:
    return {STATE: state, "observation.images.wrist": np.zeros((8, 8, 3), np.uint8)}


def record(writer: EpisodeWriter, states: NDArray) -> None:
    """An episode that passes through ``states`` (T + 1, 3) and ends in success."""
    energy = EnergyState(
        tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
    )
    action, last = np.zeros(2, np.float32), len(states) - 2
    writer.begin({})
    for t in range(len(states) - 1):
        end = t == last
        writer.add(
            StepRecord(
                obs=observed(states[t]), action=action, proposal=action, reward=float(end), success=end, terminated=end,
                truncated=False, source=Source.HUMAN, stamp=0.1 * t, energy=energy, peak_force=0.0,
            )
        )  # fmt: skip
    writer.end(observed(states[-1]))


def test_demonstrations_get_the_base_action_of_their_own_episode(tmp_path: Path) -> None:
    states = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    with EpisodeWriter(tmp_path / "demos", problems.SPEC) as writer:
        for episode in states:
            record(writer, episode)
    learner = make()
    learner.policy.augment({STATE: states[0, 4]})  # leaves half a chunk behind
    replay = demonstrations(Recordings([open_dataset(tmp_path / "demos")]), learner)
    asked = states[:, [0, 0, 2, 2, 4]]  # the base acts in chunks of two, afresh in every episode
    want = {
        tuple(state): np.clip(problems.best(at[None])[0] + np.float32(0.25), -1, 1)
        for state, at in zip(states.reshape(-1, 3), asked.reshape(-1, 3), strict=True)
    }
    batch = replay.sample(200)
    for obs in (batch.obs, batch.next_obs):
        for state, base in zip(obs[STATE], obs[BASE_ACTION], strict=True):
            np.testing.assert_array_equal(base, want[tuple(state)])
    assert len({tuple(state) for rows in (batch.obs, batch.next_obs) for state in rows[STATE]}) == 10


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


def drifted(penalty: float) -> float:
    """Mean size of the residual, as a share of its limit, where actions make no difference but for luck."""
    learner = make(critic_warmup=100, residual_penalty=penalty, lr_actor=1e-3)
    rng = np.random.default_rng(0)
    for _ in range(500):
        rows = problems.one_step_batch(learner, rng)
        luck = torch.from_numpy((rng.random(len(rows.reward)) < 0.97).astype(np.float32))
        learner.update(replace(rows, reward=luck))
    obs = {k: torch.from_numpy(v) for k, v in problems.observations(rng, 200).items()}
    residual = learner.actor.residual(learner.actor.features(obs)).detach().abs()
    return float(residual.mean()) / learner.config.residual_scale


def test_a_good_base_is_left_alone_where_nothing_is_to_be_gained() -> None:
    assert drifted(resfit.Config().residual_penalty) < 0.2
    assert drifted(0.0) > 0.5, "without its price the residual follows the critics' noise"
