"""Small problems with known answers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robot_rl.core.records import Action, Observation, Transition
from robot_rl.core.spec import ENERGY, STATE, Feature, Spec
from robot_rl.learner.protocol import Learner, chunk_batch, to_torch

SPEC = Spec(
    observation={STATE: Feature((3,)), "observation.images.wrist": Feature((8, 8, 3), "uint8")}, action_dim=2, rate=10.0
)
ENERGY_SPEC = SPEC.with_feature(ENERGY, Feature((5,)))
"""For the methods with an energy budget."""
BASE_ACTION = "observation.base_action"
BEHAVIOUR = "observation.behaviour"
DRAINED = "observation.drained"


def best(state: NDArray) -> NDArray:
    """The best action (B, 2) of the one-step problem."""
    return np.tanh(state[:, :2] * 0.8).astype(np.float32)


class BiasedBase:
    """A frozen policy of chunks of two that is off by 0.25."""

    def __init__(self) -> None:
        self.resets = 0
        self.calls = 0

    def reset(self) -> None:
        self.resets += 1

    def augment(self, obs: Observation) -> Observation:
        return obs

    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        self.calls += 1
        return np.repeat(best(obs[STATE][None]) + np.float32(0.25), 2, axis=0)


def observations(rng: np.random.Generator, size: int) -> dict[str, NDArray]:
    """Random observations without images, and what ``BiasedBase`` does there."""
    state = rng.normal(size=(size, 3)).astype(np.float32)
    base = np.clip(best(state) + 0.25, -1, 1).astype(np.float32)
    energy, drained = np.zeros((size, 5), np.float32), np.zeros((size, 1), np.float32)
    return {STATE: state, ENERGY: energy, DRAINED: drained, BASE_ACTION: base}


def one_step_batch(learner: Learner, rng: np.random.Generator) -> Transition[Tensor]:
    """Random actions rewarded by 1 - |a - best|^2 / 4, and no future; for imitation, the best actions."""
    sampling = learner.sampling
    obs = observations(rng, sampling.batch_size)
    target = best(obs[STATE])
    if sampling.chunk:
        actions = np.repeat(target[:, None], sampling.chunk, axis=1)
        return to_torch(chunk_batch(obs, actions, np.ones(actions.shape[:2], np.bool_)))
    action = np.clip(target + rng.uniform(-0.8, 0.8, target.shape), -1, 1).astype(np.float32)
    if BEHAVIOUR in learner.spec.observation:
        action = _own_actions(learner, obs, rng)
    reward = 1 - np.square(action - target).sum(-1) / 4
    return to_torch(
        Transition(
            obs=obs, action=action, reward=reward.astype(np.float32), discount=np.zeros_like(reward), next_obs=obs
        )
    )


def _own_actions(learner: Learner, obs: dict[str, NDArray], rng: np.random.Generator) -> NDArray:
    """For methods that learn from what they did themselves; adds the moments that the actions were drawn with."""
    with torch.no_grad():
        moments = learner.actor.head.moments(learner.actor.features({k: torch.as_tensor(v) for k, v in obs.items()}))
    mean, log_std = (m.numpy() for m in moments)
    obs[BEHAVIOUR] = np.concatenate([mean, log_std], axis=-1)
    return np.tanh(mean + np.exp(log_std) * rng.normal(size=mean.shape)).astype(np.float32)


def error(learner: Learner, rng: np.random.Generator) -> float:
    """Mean distance of the learner's actions from the best ones."""
    distances = []
    for state in rng.normal(size=(50, 3)).astype(np.float32):
        learner.policy.reset()
        obs = learner.policy.augment({STATE: state, ENERGY: np.zeros(5, np.float32)})
        distances.append(np.abs(learner.policy.act(obs)[0] - best(state[None])[0]).mean())
    return float(np.mean(distances))


def equal_states(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two learner states are the same bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
