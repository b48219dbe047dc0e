"""What holds for every file in robot_rl/methods."""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Transition
from robot_rl.core.spec import ENERGY, STATE
from robot_rl.learner import registry
from robot_rl.learner.protocol import Learner, to_torch
from robot_rl.nets.cpu import prepare

_spec = importlib.util.spec_from_file_location("problems", Path(__file__).parent / "problems.py")
problems = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(problems)

METHODS = registry.names()
FAST = {
    "sac": {"hidden": (64, 64), "temperature": 0.02, "lr_actor": 1e-3},
    "rlpd": {"hidden": (64, 64), "members": 4, "utd": 2, "lr_actor": 1e-3, "lr_critic": 1e-3},
    "resfit": {
        **{"hidden": (64, 64), "members": 4, "critic_warmup": 300, "lr_actor": 1e-3, "lr_critic": 1e-3},
        "residual_penalty": 0.0,
    },
    "sac_lagrangian": {"hidden": (64, 64), "utd": 2, "lr_actor": 1e-3, "lr_critic": 1e-3},
    "ppo_lagrangian": {"hidden": (64, 64), "lr_actor": 2e-3},
    "bc": {"updates": 800, "hidden": (64, 64)},
}


def spec_of(method: str) -> problems.Spec:
    return problems.ENERGY_SPEC if method.endswith("lagrangian") else problems.SPEC


def observation(state: np.ndarray) -> dict[str, np.ndarray]:
    return {STATE: state, ENERGY: np.zeros(5, np.float32)}


def make(method: str, **changes: object) -> Learner:
    module = registry.load(method)
    config = dataclasses.replace(module.Config(), **{**FAST.get(method, {}), **changes})
    base = problems.BiasedBase() if method == "resfit" else None
    return module.make(config, spec_of(method), base=base, statistics=None)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    prepare(1)


@pytest.mark.parametrize("method", METHODS)
def test_finds_the_best_action_of_a_one_step_problem_in_five_seconds(method: str) -> None:
    learner, rng = make(method), np.random.default_rng(0)
    for _ in range(5):
        learner.update(problems.one_step_batch(learner, rng))
    started = time.process_time()
    updates = 0
    while problems.error(learner, rng) > 0.06:
        for _ in range(100):
            learner.update(problems.one_step_batch(learner, rng))
        updates += 100
        assert time.process_time() - started < 5 or updates < 1500, problems.error(learner, rng)


@pytest.mark.parametrize("method", METHODS)
def test_goes_on_after_a_resume_as_if_never_stopped(method: str) -> None:
    whole, halves = make(method), make(method)
    batches = [problems.one_step_batch(whole, np.random.default_rng(i)) for i in range(12)]

    torch.manual_seed(5)
    for batch in batches:
        whole.update(batch)
    torch.manual_seed(5)
    for batch in batches[:6]:
        halves.update(batch)
    state = halves.state_dict()
    torch.manual_seed(99)
    resumed = make(method)
    resumed.load_state_dict(state)
    for batch in batches[6:]:
        resumed.update(batch)

    assert problems.equal_states(whole.state_dict(), resumed.state_dict())


@pytest.mark.parametrize("method", METHODS)
def test_updates_change_only_what_they_train(method: str) -> None:
    learner = make(method)
    batch = problems.one_step_batch(learner, np.random.default_rng(0))
    before = {k: v.clone() for k, v in batch.obs.items()}
    learner.update(batch)
    for name, value in batch.obs.items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad
    for name, module in vars(learner).items():
        if name.endswith("_target"):
            assert all(p.grad is None for p in module.parameters()), name


@pytest.mark.parametrize("method", METHODS)
def test_weights_carry_the_policy_to_another_process(method: str) -> None:
    learner, rng = make(method), np.random.default_rng(0)
    for _ in range(20):
        learner.update(problems.one_step_batch(learner, rng))
    actor = registry.load(method).make_policy(
        learner.policy.recipe.config, spec_of(method), base=problems.BiasedBase() if method == "resfit" else None
    )
    actor.load_weights(learner.weights())
    for policy in (learner.policy, actor):
        policy.reset()
    for state in rng.normal(size=(10, 3)).astype(np.float32):
        rows = [p.act(p.augment(observation(state))) for p in (learner.policy, actor)]
        assert np.array_equal(*rows)
        assert rows[0].dtype == np.float32
        assert np.abs(rows[0]).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_its_replay_stores_no_images_and_what_augment_adds(method: str) -> None:
    learner = make(method)
    learner.policy.reset()
    obs = learner.policy.augment(observation(np.zeros(3, np.float32)))
    assert learner.spec.cameras == []
    assert set(learner.spec.observation) == set(obs) - ({ENERGY} - set(spec_of(method).observation))
    learner.spec.check(obs)


@pytest.mark.parametrize("method", METHODS)
def test_configuration_is_frozen_and_documented(method: str) -> None:
    config = registry.load(method).Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1


def test_wrong_method_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="resfit"):
        registry.load("resfitt")


def test_methods_refuse_the_wrong_kind_of_base() -> None:
    resfit = registry.load("resfit")
    with pytest.raises(ConfigError, match="base"):
        resfit.make(resfit.Config(), problems.SPEC, base=None, statistics=None)
    for name in ("bc", "sac", "rlpd", "sac_lagrangian", "ppo_lagrangian"):
        module = registry.load(name)
        with pytest.raises(ConfigError, match="base"):
            module.make(module.Config(), spec_of(name), base=problems.BiasedBase(), statistics=None)


def test_batches_arrive_in_torch_as_float32_and_unchanged() -> None:
    reward = np.array([0.25, 1.0])
    obs = {STATE: np.arange(6, dtype=np.float32).reshape(2, 3)}
    batch = to_torch(Transition(obs=obs, action=np.ones((2, 2)), reward=reward, discount=reward, next_obs=obs))
    assert batch.reward.dtype == batch.action.dtype == torch.float32
    assert batch.reward.tolist() == [0.25, 1.0]
    assert np.array_equal(batch.obs[STATE].numpy(), obs[STATE])
