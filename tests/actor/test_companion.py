"""A script beside a policy that learns: it takes over when that strays, and the learner has it within a second."""

import threading
import time

import numpy as np
import pytest
import torch

from robot_rl.actor.companion import Companion, CompanionConfig
from robot_rl.actor.rollout import run_episode
from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Source
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner import registry, start
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.tasks.registry import make_expert
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.server import ExperienceServer

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def env():
    env = make_twin_env("reach", guarded=True)
    yield env
    env.close()


class Plain:
    """A policy from a function of the environment."""

    def __init__(self, choose):
        self.choose = choose

    def reset(self):
        pass

    def augment(self, obs):
        return obs

    def act(self, obs, *, explore=False):
        return np.asarray(self.choose(), np.float32)[None]


class Rows(list):
    def begin(self, meta):
        pass

    def add(self, step):
        self.append(step)

    def end(self, final_obs):
        pass


def play(env, policy, seed=3):
    rows = Rows()
    with Companion(CompanionConfig(device="expert"), env, policy) as beside:
        result = run_episode(env, beside.pilot, seed, sink=rows)
    return rows, result


def test_a_policy_that_goes_wrong_is_corrected_for_a_few_steps_at_a_time(env):
    rows, lengths = Rows(), []
    for seed in range(3):
        of_seed, result = play(env, Plain(lambda: [-1.0, -1.0, 1.0]), seed)
        steps = [sum(row.intervention == n for row in of_seed) for n in range(1, result.interventions + 1)]
        assert all(3 <= length <= 8 for length in steps[:-1])
        rows += of_seed
        lengths += steps
    assert len(lengths) >= 3
    assert max(lengths) <= 8
    assert {row.source for row in rows} == {Source.POLICY, Source.HUMAN}
    for row in rows:
        if row.source is Source.HUMAN:
            np.testing.assert_allclose(row.policy_proposal, [-1.0, -1.0, 1.0])
            assert not np.allclose(row.action, row.policy_proposal, atol=0.2)


def test_a_policy_that_does_it_well_is_left_alone(env):
    expert = make_expert("reach")
    rows, result = play(env, Plain(lambda: expert.act(env.state, env.objects)))
    assert result.success
    assert result.interventions == 0
    assert {row.source for row in rows} == {Source.POLICY}


def test_an_unknown_device_is_named():
    with pytest.raises(ConfigError, match="keyboard"):
        _ = CompanionConfig(device="keybord").person


def test_her_steps_are_in_both_halves_within_a_second(env, tmp_path):
    """Measured from the moment a step is handed over to the moment at which it can be drawn as a demonstration."""
    method = registry.load("rlpd")
    learner = method.make(method.Config(hidden=(16, 16), batch_size=32), env.spec, base=None, statistics=None)
    server = ExperienceServer("127.0.0.1:0", tmp_path / "log", learner.spec)
    config = RunnerConfig(folder=tmp_path, learning_starts=20, utd=0.25, farewell=5.0)
    learning = LearnerRunner(learner, None, server, config)
    thread = threading.Thread(target=learning.run)
    thread.start()
    while not (tmp_path / "address").exists():
        time.sleep(0.02)
    hers = learning.mixture.demos
    handed, drawable = [], []

    class Slowed(ExperienceClient):
        def add(self, step):
            super().add(step)
            if step.source is Source.HUMAN:
                handed.append(time.monotonic())
            until = time.monotonic() + 0.02
            while time.monotonic() < until:
                drawable.extend([time.monotonic()] * (len(hers) - len(drawable)))
                time.sleep(0.002)

    policy, stored = start.load(tmp_path / "start")
    with Slowed((tmp_path / "address").read_text().strip(), tmp_path / "spool", stored) as client:
        with Companion(CompanionConfig(device="expert"), env, policy) as beside:
            acting = ActorRunner(env, policy, client, ActorConfig(max_steps=150), beside.pilot)
            assert acting.run().delivered
    while learning.feed.backlog:
        time.sleep(0.01)
    learning.stop()
    thread.join(60)
    assert len(handed) > 20
    waits = np.array(drawable) - np.array(handed)[: len(drawable)]
    assert len(drawable) > 0.8 * len(handed)
    assert np.median(waits) < 1.0
    assert len(learning.replay) > len(hers) > 0
    batch = learning.mixture.sample(64)
    assert len(batch.reward) == 64
