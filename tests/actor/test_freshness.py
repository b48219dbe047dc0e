"""The ages that are stored with a step are those that passed: a policy that thinks, plans ahead, or sees old images."""

from dataclasses import replace

import numpy as np
import pytest
from scripted_person import Moment, ScriptedPerson

from robot_rl.actor.rollout import run_episode
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.records import Source
from robot_rl.core.teleop import Event
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env

PERIOD = 0.1


class Slow:
    """Plans three steps ahead; while it thinks, the twin's time goes on."""

    def __init__(self, env, thought):
        self.env, self.thought, self.asked = env, thought, 0

    def reset(self):
        self.asked = 0

    def augment(self, obs):
        return obs

    def act(self, obs, *, explore=False):
        wait = self.thought[min(self.asked, len(self.thought) - 1)]
        self.asked += 1
        self.env.clock.sleep_until(self.env.clock.now() + wait)
        return np.zeros((3, 3), np.float32)


@pytest.fixture(scope="module")
def env():
    env = make_twin_env("reach", ("front",))
    yield env
    env.close()


def recorded(env, pilot, out):
    with EpisodeWriter(out, env.spec) as writer:
        run_episode(env, pilot, 3, sink=writer)
    return open_dataset(out).episode(0).freshness


def test_thought_ages_the_observation_and_every_row_of_a_plan_the_action(env, tmp_path):
    fresh = recorded(env, Slow(env, [0.03]), tmp_path / "d")
    assert fresh["observation_age"][:6] == pytest.approx([0.03, 0, 0, 0.03, 0, 0], abs=1e-6)
    # The plan's later rows were chosen one and two periods before, from the same observation.
    assert fresh["action_age"][:6] == pytest.approx([0.03, 0.1, 0.2, 0.03, 0.1, 0.2], abs=1e-6)
    assert not fresh["overrun"].any()


def test_thought_beyond_the_period_is_an_overrun_and_drops_periods(env, tmp_path):
    fresh = recorded(env, Slow(env, [0.0, 0.25, 0.13, 0.0]), tmp_path / "d")
    assert fresh["overrun"][[0, 3, 6, 9]] == pytest.approx([0, 0.15, 0.03, 0], abs=1e-6)
    assert fresh["missed"][[0, 3, 6, 9]].tolist() == [0, 1, 0, 0]
    assert fresh["observation_age"][3] == pytest.approx(0.25, abs=1e-6)


def test_the_oldest_part_of_an_observation_counts(env, tmp_path):
    camera = env.cameras["front"]

    class Delayed:
        def latest(self, max_age):
            frame = camera.latest(max_age)
            return replace(frame, stamp=frame.stamp - 0.06)

    env.cameras = {"front": Delayed()}
    try:
        fresh = recorded(env, Slow(env, [0.0]), tmp_path / "d")
    finally:
        env.cameras = {"front": camera}
    assert fresh["observation_age"][:3] == pytest.approx([0.06] * 3, abs=1e-6)
    assert fresh["action_age"][:3] == pytest.approx([0.0, 0.1, 0.2], abs=1e-6)


def test_a_persons_action_is_fresh_and_a_pause_is_of_no_age(tmp_path):
    env = make_twin_env("reach", guarded=True)
    said = (None, None, Event.TAKE_OVER, None, Event.HAND_BACK, None, Event.PAUSE, None, None, Event.RESUME)
    moments = [Moment(events=(word,) if word else ()) for word in said]
    person = ScriptedPerson(env.clock.now, env.spec.action_dim, moments)
    pilot = SharedControl(env, person, Slow(env, [0.0]), clock=env.clock.now)
    with EpisodeWriter(tmp_path / "d", env.spec) as writer:
        run_episode(env, pilot, 3, sink=writer)
    env.close()
    episode = open_dataset(tmp_path / "d").episode(0)
    age, source = episode.freshness["action_age"], episode.source
    assert age[:2] == pytest.approx([0.0, 0.1], abs=1e-6)
    assert (source == Source.HUMAN).any()
    assert age[source == Source.HUMAN] == pytest.approx(0.0, abs=1e-6)
    assert (source == Source.PAUSE).any()
    assert np.isnan(age[source == Source.PAUSE]).all()
