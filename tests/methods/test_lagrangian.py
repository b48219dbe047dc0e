"""The energy-aware methods keep their budget, and without one they are after reward alone."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Transition
from robot_rl.core.spec import ENERGY, STATE, Feature, Spec
from robot_rl.learner import registry
from robot_rl.learner.energy import DRAINED, SMOOTHING, Multiplier, drain
from robot_rl.learner.protocol import to_torch
from robot_rl.nets.cpu import prepare

PLAIN = Spec(observation={STATE: Feature((2,))}, action_dim=1, rate=10.0)
SPEC = PLAIN.with_feature(ENERGY, Feature((5,)))
CHANGES = {
    "sac_lagrangian": {"utd": 1, "lr_critic": 1e-3, "target_entropy": -1.5, "gains": (0.5, 0.02, 0.0)},
    "ppo_lagrangian": {"entropy": 1e-2, "gains": (0.5, 0.01, 0.0)},
}


def make(method, limit):
    module = registry.load(method)
    config = module.Config(hidden=(32, 32), limit=limit, lr_actor=1e-3, price_max=3.0, batch_size=64)
    return module.make(dataclasses.replace(config, **CHANGES[method]), SPEC)


def batch_of(learner, rng):
    """One step: force x = (a + 1) / 2 earns 1 - (1 - x)^2 and drains x [J], so a price of 1.4 per J makes x = 0.3."""
    size = learner.sampling.batch_size
    before = {STATE: rng.normal(size=(size, 2)).astype(np.float32), ENERGY: np.zeros((size, 5), np.float32)}
    before[DRAINED] = np.full((size, 1), 0.7, np.float32)
    action = rng.uniform(-1, 1, (size, 1)).astype(np.float32)
    if "observation.behaviour" in learner.spec.observation:
        with torch.no_grad():
            obs = {k: torch.from_numpy(v) for k, v in before.items()}
            mean, log_std = (m.numpy() for m in learner.actor.head.moments(learner.actor.features(obs)))
        before["observation.behaviour"] = np.concatenate([mean, log_std], axis=-1)
        action = np.tanh(mean + np.exp(log_std) * rng.normal(size=mean.shape)).astype(np.float32)
    after = {k: v.copy() for k, v in before.items()}
    force = (action[:, 0] + 1) / 2
    after[DRAINED][:, 0] += force
    reward = (1 - (1 - force) ** 2).astype(np.float32)
    return to_torch(
        Transition(obs=before, action=action, reward=reward, discount=np.zeros(size, np.float32), next_obs=after)
    )


def learnt(method, limit):
    """Mean drain [J] of the last batches' policy."""
    prepare(1)
    learner, rng = make(method, limit), np.random.default_rng(0)
    drained = []
    for i in range(1200):
        learner.update(batch_of(learner, rng))
        if i >= 1000 and i % 20 == 0:
            obs = {STATE: torch.randn(100, 2), ENERGY: torch.zeros(100, 5)}
            with torch.no_grad():
                drained.append(float((learner.actor.head.sample(learner.actor.features(obs))[0] + 1).mean() / 2))
    return np.mean(drained)


@pytest.mark.parametrize("method", sorted(CHANGES))
def test_the_mean_drain_settles_at_the_limit(method):
    assert learnt(method, 0.3) == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize("method", sorted(CHANGES))
def test_without_a_limit_only_reward_counts(method):
    assert learnt(method, math.inf) > 0.85


@pytest.mark.parametrize("method", sorted(CHANGES))
def test_a_transition_costs_what_each_of_its_steps_drained_and_a_gain_gives_nothing_back(method):
    policy = make(method, 0.3).policy
    for _ in range(2):  # the second episode starts from nothing again
        policy.reset()
        seen = []
        for tank in (2.0, 1.5, 1.75, 0.75):
            energy = np.array([tank, 0, 0, 0, 0], np.float32)
            seen.append(policy.augment({STATE: np.zeros(2, np.float32), ENERGY: energy}))
        sums = [torch.tensor(obs[DRAINED])[None] for obs in seen]
        assert [float(s) for s in sums] == [0.0, 0.5, 0.5, 1.5]
    nothing = torch.zeros(1)
    for start, end, cost in ((0, 1, 0.5), (1, 2, 0.0), (0, 3, 1.5)):
        obs, after = {DRAINED: sums[start]}, {DRAINED: sums[end]}
        step = Transition(obs=obs, action=nothing, reward=nothing, discount=nothing, next_obs=after)
        assert drain(step).tolist() == [cost]


def test_the_price_is_a_pid_controller_that_does_not_wind_up():
    price = Multiplier(1.0, (0.1, 0.01, 2.0), 0.5)
    assert price.value() == 0.0
    price.update(torch.tensor(3.0))
    assert price.value() == pytest.approx(0.1 * 2 + 0.01 * 2)
    price.update(torch.tensor(4.0))
    now = 3.0 + SMOOTHING
    assert price.value() == pytest.approx(0.1 * (now - 1) + 0.01 * (2 + now - 1) + 2.0 * SMOOTHING)
    for _ in range(500):
        price.update(torch.tensor(9.0))
    assert price.value() == 0.5
    for _ in range(500):
        price.update(torch.tensor(0.0))
    assert price.value() == 0.0


def test_a_lenient_price_falls_whatever_the_cost():
    price = Multiplier(1.0, (0.1, 0.01, 0.0), 0.5)
    for _ in range(500):
        price.update(torch.tensor(9.0))
    price.lenient = True
    for _ in range(500):
        price.update(torch.tensor(9.0))
    assert price.value() == 0.0
    price.lenient = False
    for _ in range(500):
        price.update(torch.tensor(9.0))
    assert price.value() == 0.5


@pytest.mark.parametrize("method", sorted(CHANGES))
def test_a_task_without_a_ledger_is_refused(method):
    module = registry.load(method)
    with pytest.raises(ConfigError, match="observes its energy"):
        module.make(module.Config(), PLAIN)
