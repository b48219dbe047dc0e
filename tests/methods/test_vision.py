"""Methods that learn from images: a bright spot whose place is the best action."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Transition
from robot_rl.core.spec import ENVIRONMENT, STATE, Feature, Spec
from robot_rl.learner import checkpoint
from robot_rl.learner.protocol import chunk_batch, to_torch
from robot_rl.methods import bc, resfit, rlpd, sac
from robot_rl.nets.cpu import prepare
from robot_rl.nets.residual import BASE_ACTION
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.conv import SmallConv
from robot_rl.nets.vision.eyes import FEATURES, MAPS

FRONT = "observation.images.front"
SPEC = Spec(observation={STATE: Feature((2,)), FRONT: Feature((16, 16, 3), "uint8")}, action_dim=2, rate=10.0)
TOLD = SPEC.with_feature(ENVIRONMENT, Feature((2,)))
CONV = Vision(encoder="conv", shift=0, places=2, width=16)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    prepare(1)


def scenes(rng: np.random.Generator, count: int) -> dict[str, NDArray]:
    """Images with a bright 4 x 4 spot; what only the recordings know is where it is, in [-1, 1]."""
    corner = rng.integers(0, 13, (count, 2))
    image = np.full((count, 16, 16, 3), 40, np.uint8)
    for i, (y, x) in enumerate(corner):
        image[i, y : y + 4, x : x + 4] = 220
    place = (corner / 6.0 - 1.0).astype(np.float32)
    return {STATE: rng.normal(size=(count, 2)).astype(np.float32), FRONT: image, ENVIRONMENT: place}


def transitions(rng: np.random.Generator, count: int = 64) -> Transition:
    obs = scenes(rng, count)
    target = 0.8 * obs[ENVIRONMENT]
    action = np.clip(target + rng.uniform(-1, 1, target.shape), -1, 1).astype(np.float32)
    reward = (1 - np.square(action - target).sum(-1) / 2).astype(np.float32)
    return to_torch(Transition(obs=obs, action=action, reward=reward, discount=np.zeros_like(reward), next_obs=obs))


def chunks(rng: np.random.Generator, count: int = 64) -> Transition:
    obs = scenes(rng, count)
    return to_torch(chunk_batch(obs, np.repeat(0.8 * obs[ENVIRONMENT][:, None], 2, 1), np.ones((count, 2), np.bool_)))


def miss(policy, rng: np.random.Generator) -> float:
    """Mean distance from the best action, from the image and the state alone."""
    obs = scenes(rng, 40)
    rows = [policy.augment({STATE: obs[STATE][i], FRONT: obs[FRONT][i]}) for i in range(40)]
    return float(np.mean([np.abs(policy.act(rows[i])[0] - 0.8 * obs[ENVIRONMENT][i]).mean() for i in range(40)]))


def cloned(updates: int = 300, **changes: object) -> bc.BCLearner:
    config = bc.Config(
        updates=updates, hidden=(64,), pred_horizon=2, exec_horizon=2, vision=CONV, lr=3e-3, batch_size=64, **changes
    )
    learner, rng = bc.make(config, TOLD if "privileged" in changes else SPEC), np.random.default_rng(0)
    for _ in range(updates):
        learner.update(chunks(rng))
    return learner


@pytest.mark.parametrize(("method", "precision"), [(rlpd, "float32"), (rlpd, "bfloat16"), (sac, "float32")])
def test_critics_teach_the_eyes_and_the_actor_takes_what_they_see(method, precision: str) -> None:
    config = method.Config(
        vision=CONV, hidden=(64,), members=2, lr_critic=2e-3, lr_actor=2e-3, temperature=0.01, precision=precision
    )
    learner, rng = method.make(config, SPEC), np.random.default_rng(0)
    eyes, target = learner.actor.eyes, learner.eyes_target
    before = {k: v.clone() for k, v in eyes.state_dict().items()}
    learner.update_actor(learner.actor.features(transitions(rng).obs).detach())
    assert all(torch.equal(v, before[k]) for k, v in eyes.state_dict().items())
    learner.update(transitions(rng))
    assert any(not torch.equal(v, before[k]) for k, v in eyes.state_dict().items())
    name, old = next((k, v) for k, v in before.items() if not torch.equal(v, eyes.state_dict()[k]))
    torch.testing.assert_close(target.state_dict()[name], old.lerp(eyes.state_dict()[name], config.polyak))
    assert all(p.grad is None for p in target.parameters())

    updates = 0
    while miss(learner.policy, rng) > 0.15:
        for _ in range(100):
            learner.update(transitions(rng))
        updates += 100
        assert updates < 1500


def test_weights_carry_trained_eyes_and_a_learner_goes_on_bit_for_bit() -> None:
    config = rlpd.Config(vision=Vision(encoder="conv", shift=2, places=2, width=16), hidden=(32,), members=2, utd=1)
    learners = [rlpd.make(config, SPEC) for _ in range(2)]
    torch.manual_seed(3)
    for seed in range(2):
        learners[0].update(transitions(np.random.default_rng(seed), 16))
    saved = {k: v.contiguous() for k, v in learners[0].state_dict().items()}  # as a file keeps it
    learners[1].load_state_dict(saved)
    ends = []
    for learner in learners:  # the first one never stopped
        torch.set_rng_state(saved["generator"])
        learner.update(transitions(np.random.default_rng(5), 16))
        ends.append(learner.state_dict())
    assert all(torch.equal(ends[0][k], ends[1][k]) for k in ends[0])
    actor = rlpd.make_policy(config, SPEC)
    actor.load_weights(learners[0].weights())
    obs = {k: v[0] for k, v in scenes(np.random.default_rng(1), 1).items()}
    assert np.array_equal(actor.act(obs), learners[0].policy.act(obs))


def test_frozen_eyes_are_asked_once_per_observation_and_never_sent(tmp_path) -> None:
    path = tmp_path / "conv.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in SmallConv().state_dict().items()}, path)
    vision = Vision(encoder="conv", weights=str(path), frozen=True, places=2, width=16)
    learner = rlpd.make(rlpd.Config(vision=vision, hidden=(32,), members=2), SPEC)
    assert learner.spec.cameras == []
    assert learner.spec.observation[MAPS + "front"] == Feature((32, 4, 4), "float16")
    asked = []
    learner.actor.eyes.frozen[0][0].register_forward_hook(lambda *_: asked.append(1))
    obs = scenes(np.random.default_rng(0), 8)
    rows = [learner.policy.augment({k: v[i] for k, v in obs.items()}) for i in range(8)]
    for row in rows:
        learner.policy.act(row, explore=True)
    stored = {k: np.stack([row[k] for row in rows]) for k in learner.spec.observation}
    zeros = np.zeros(8, np.float32)
    batch = Transition(obs=stored, action=np.zeros((8, 2), np.float32), reward=zeros, discount=zeros, next_obs=stored)
    learner.update(to_torch(batch))
    assert len(asked) == 8
    assert not [name for name in learner.weights() if "encoders" in name]
    assert [name for name in learner.weights() if "eyes.heads" in name]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_cloned_policy_acts_from_its_images(precision: str) -> None:
    learner = cloned(precision=precision)
    assert miss(learner.policy, np.random.default_rng(9)) < 0.1
    blind = scenes(np.random.default_rng(9), 1)
    dark = learner.policy.augment({STATE: blind[STATE][0], FRONT: np.zeros((16, 16, 3), np.uint8)})
    lit = learner.policy.augment({STATE: blind[STATE][0], FRONT: blind[FRONT][0]})
    assert not np.allclose(learner.policy.act(dark), learner.policy.act(lit), atol=0.05)


def test_taught_eyes_tell_what_only_the_recordings_know() -> None:
    learner = cloned(privileged=(ENVIRONMENT,))
    assert ENVIRONMENT in learner.spec.observation
    assert ENVIRONMENT not in learner.policy.recipe.spec.observation
    obs = scenes(np.random.default_rng(9), 30)
    seen = [learner.policy.augment({STATE: obs[STATE][i], FRONT: obs[FRONT][i]})[FEATURES] for i in range(30)]
    assert np.abs(np.stack(seen) - obs[ENVIRONMENT]).mean() < 0.1
    assert miss(learner.policy, np.random.default_rng(9)) < 0.1
    for wrong, text in (
        ({"privileged": ("observation.stat",)}, "observation.state"),
        ({"vision": Vision()}, "encoder"),
    ):
        config = bc.Config(**{"vision": CONV, "privileged": (ENVIRONMENT,), **wrong})
        with pytest.raises(Exception, match=text):
            bc.make(config, TOLD)


def test_a_residual_learns_on_what_its_frozen_base_sees(tmp_path) -> None:
    base = cloned(40, privileged=(ENVIRONMENT,)).policy
    spec = base.recipe.spec
    learner = resfit.make(resfit.Config(hidden=(32,), members=2, critic_warmup=0, actor_every=1), spec, base=base)
    assert learner.spec.observation.keys() == {STATE, FEATURES, BASE_ACTION}
    obs = {k: v[0] for k, v in scenes(np.random.default_rng(0), 1).items() if k != ENVIRONMENT}
    learner.policy.reset()
    row = learner.policy.augment(obs)
    learner.spec.check(row)
    assert np.array_equal(learner.policy.act(row)[0], row[BASE_ACTION])
    base.reset()
    np.testing.assert_array_equal(row[BASE_ACTION], np.clip(base.act(base.augment(obs))[0], -1, 1))

    stored = {k: np.repeat(row[k][None], 8, 0) for k in learner.spec.observation}
    zeros = np.zeros(8, np.float32)
    batch = Transition(obs=stored, action=np.zeros((8, 2), np.float32), reward=zeros, discount=zeros, next_obs=stored)
    for _ in range(4):
        learner.update(to_torch(batch))
    recipe = learner.policy.recipe
    checkpoint.save(tmp_path / "c", "resfit", recipe.config, recipe.spec, learner, {})
    loaded = checkpoint.load_policy(tmp_path / "c")
    policies = (learner.policy, loaded)
    for policy in policies:
        policy.reset()
    assert np.array_equal(*(policy.act(policy.augment(obs)) for policy in policies))
    assert loaded.base.recipe.config.vision == CONV


def test_a_method_that_sees_needs_a_camera() -> None:
    with pytest.raises(ConfigError, match="no camera image"):
        rlpd.make(rlpd.Config(vision=CONV), SPEC.without_images())
