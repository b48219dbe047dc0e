"""Somebody else's Gymnasium environments run in our episode loop and fill our replay."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from robot_rl.actor.rollout import run_episode
from robot_rl.core.errors import SpecError
from robot_rl.core.spec import ENVIRONMENT, STATE
from robot_rl.data.replay import Replay
from robot_rl.envs.foreign_env import ForeignEnv, spec_of
from robot_rl.methods import sac


class Line(gym.Env[dict[str, np.ndarray], np.ndarray]):
    """A point on a line that shall reach a goal; it overshoots for good beyond +-1."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Both drawn from the seed."""
        super().reset(seed=seed, options=options)
        self.place, self.goal = self.np_random.uniform(-0.5, 0.5, 2)
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        """At most 0.2 further."""
        self.place += 0.2 * float(action[0])
        there, lost = abs(self.place - self.goal) < 0.05, abs(self.place) > 1
        return self._seen(), float(there), bool(there or lost), False, {"done_well": there}

    def _seen(self) -> dict:
        return {"point": np.array([self.place]), "goal": np.array([self.goal])}


class Towards:
    """The policy that goes there, or away."""

    def __init__(self, sign: float) -> None:
        self.sign = sign

    def reset(self) -> None:
        """Nothing to forget."""

    def augment(self, obs: dict) -> dict:
        """Nothing to add."""
        return obs

    def act(self, obs: dict, *, explore: bool = False) -> np.ndarray:
        """(1, 1), outside of [-1, 1] when it is far."""
        return self.sign * 5 * (obs[ENVIRONMENT] - obs[STATE])[None]


def line(max_steps: int = 30) -> ForeignEnv:
    spec = spec_of({STATE: 1, ENVIRONMENT: 1}, 1, rate=10.0)
    return ForeignEnv(Line(), spec, max_steps, {STATE: "point", ENVIRONMENT: "goal"}, success="done_well")


def test_an_episode_has_the_outcome_that_the_environment_says() -> None:
    good, bad = run_episode(line(), Towards(1), 3), run_episode(line(), Towards(-1), 3)
    assert good.success
    assert not bad.success
    assert good.steps < 10
    assert bad.steps < 30, "it ended when the point was lost"


def test_a_time_out_is_no_end() -> None:
    env, replay = line(max_steps=4), Replay(line().spec, 100, seed=0)
    run_episode(env, Towards(0), 3, sink=replay)
    batch = replay.sample(64, gamma=0.9)
    assert len(replay) == 4
    assert (batch.discount == np.float32(0.9)).all()


def test_the_replay_holds_what_was_executed_and_what_came_of_it() -> None:
    env, replay = line(), Replay(line().spec, 500, seed=0)
    for seed in range(8):
        run_episode(env, Towards(1), seed, sink=replay)
    batch = replay.sample(200)
    assert np.abs(batch.action).max() == 1.0
    np.testing.assert_allclose(batch.next_obs[STATE], batch.obs[STATE] + 0.2 * batch.action, atol=1e-6)
    np.testing.assert_array_equal(batch.reward > 0, batch.discount == 0)


def test_the_seed_decides_the_episode() -> None:
    first, again, other = (line().reset(seed)[STATE] for seed in (7, 7, 8))
    assert first == again != other


def test_a_method_learns_on_it() -> None:
    """Pendulum of gymnasium itself: one array instead of a mapping, and no word on success."""
    spec = spec_of({STATE: 3}, 1, rate=20.0)
    env = ForeignEnv(gym.wrappers.RescaleAction(gym.make("Pendulum-v1"), -1.0, 1.0), spec, 40)
    learner = sac.make(sac.Config(hidden=(16,), batch_size=8), spec)
    replay = Replay(spec, 100, seed=0)
    done = run_episode(env, learner.policy, 0, explore=True, sink=replay)
    assert (done.steps, done.success, len(replay)) == (40, False, 40)
    assert replay.sample(8).reward.max() < 0


def test_a_wrong_name_is_told() -> None:
    env = ForeignEnv(Line(), spec_of({STATE: 1}, 1, rate=10.0), 5, {STATE: "pint"})
    with pytest.raises(SpecError, match=r"no 'pint', it has \['goal', 'point'\]"):
        env.reset(0)
