"""Promises of the learner that no other test holds: a free control thread, a visible rate, actors that do not drift."""

import json
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from learner_samples import SPEC, Line, make_runner

from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.freshness import Freshness
from robot_rl.core.records import Source, Transition
from robot_rl.core.spec import ENVIRONMENT, STATE, Feature
from robot_rl.data.dataset import open_dataset
from robot_rl.data.layout import FRESHNESS
from robot_rl.data.review.overview import overview
from robot_rl.learner import registry, start
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import encode_step
from robot_rl.transport.server import ExperienceServer

WIRE = ("codec", "framing", "spool", "record_log", "sender", "service", "channel")
BANNED_MODULES = ("grpc", "google.", "socket", "ssl", "json", *(f"robot_rl.transport.{name}" for name in WIRE))
BANNED_CALLS = {"write", "pwrite", "writev", "fsync", "fdatasync", "open", "send", "sendall", "SerializeToString"}


class Watch:
    """Hears of every call that its thread makes."""

    def __init__(self):
        self.modules, self.calls = set(), set()

    def __call__(self, frame, event, arg):
        if event == "call":
            self.modules.add(frame.f_globals.get("__name__") or "")
        elif event == "c_call":
            self.calls.add(arg.__name__)

    @property
    def banned(self):
        """What a control thread must not do."""
        return {m for m in self.modules if m.startswith(BANNED_MODULES)} | (self.calls & BANNED_CALLS)


class Observed(ExperienceClient):
    """Watches its thread from the begin of every episode to its end."""

    watch = None
    kept = None

    def begin(self, meta):
        super().begin(meta)
        sys.setprofile(self.watch)

    def add(self, step):
        self.kept = step
        super().add(step)

    def end(self, final_obs):
        sys.setprofile(None)
        super().end(final_obs)


def wait_for(condition, timeout=120.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_between_begin_and_end_the_control_thread_serialises_sends_and_writes_nothing(tmp_path):
    learner = make_runner(tmp_path)
    thread = threading.Thread(target=learner.run)
    thread.start()
    wait_for(lambda: (tmp_path / "address").exists())
    policy, stored = start.load(tmp_path / "start")
    watch = Watch()
    with Observed((tmp_path / "address").read_text().strip(), tmp_path / "spool", stored) as client:
        client.watch = watch
        done = ActorRunner(Line(), policy, client, ActorConfig(max_steps=140, wait="episode")).run()
        learner.stop()
        thread.join(120)
        assert done.delivered
        assert done.adopted > 1, "weights must be adopted under the eyes of the watch"
    assert "robot_rl.transport.client" in watch.modules
    assert "put" in watch.calls
    assert watch.banned == set()
    again = Watch()
    sys.setprofile(again)
    encode_step(client.kept, SPEC)
    sys.setprofile(None)
    assert {"robot_rl.transport.codec", "SerializeToString"} <= again.banned, "the watch sees what it looks for"


@pytest.mark.parametrize("utd", [2.0, 0.0])
def test_a_bounded_rate_and_a_free_one_are_told_apart_in_the_metrics(tmp_path, utd):
    method = registry.load("sac")
    config = method.Config(hidden=(16, 16), batch_size=32, utd=utd, learning_starts=40)
    learner = method.make(config, SPEC, base=None, statistics=None)
    server = ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC)
    settings = RunnerConfig(folder=tmp_path, max_env_steps=160, max_lead=30, metrics_every=0.1, farewell=5.0, utd=utd)
    runner = LearnerRunner(learner, None, server, settings)
    thread = threading.Thread(target=runner.run)
    thread.start()
    wait_for(lambda: (tmp_path / "address").exists())
    policy, stored = start.load(tmp_path / "start")
    with ExperienceClient((tmp_path / "address").read_text().strip(), tmp_path / "spool", stored) as client:
        ActorRunner(Line(), policy, client, ActorConfig()).run()
    thread.join(120)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["kind"] == "learner"][-1]
    assert last["free_running"] == (utd == 0)
    assert last["utd"] == pytest.approx(last["updates"] / max(1, last["env_steps"] - 39))
    if utd:
        assert 1.5 < last["utd"] <= 2.0


class Wide(Line):
    """Observations large enough for the learner to keep episodes as a dataset."""

    spec = SPEC.with_feature(ENVIRONMENT, Feature((1200,)))

    def _observe(self):
        return {**super()._observe(), ENVIRONMENT: np.full(1200, self.at, np.float32)}

    def step(self, action, source=Source.POLICY):
        late = Freshness(
            observation_age=0.02, action_age=0.03, overrun=0.25 * (self.steps == 3), missed=int(self.steps == 3)
        )
        return replace(super().step(action, source), freshness=late)


def test_what_an_actor_did_is_a_dataset_at_the_learner_with_ages_and_weights_of_every_step(tmp_path):
    method = registry.load("sac")
    config = method.Config(hidden=(8, 8), batch_size=16, utd=1.0, learning_starts=20)
    learner = method.make(config, Wide.spec, base=None, statistics=None)
    server = ExperienceServer("127.0.0.1:0", tmp_path / "log", Wide.spec)
    runner = LearnerRunner(learner, None, server, RunnerConfig(folder=tmp_path, max_env_steps=80, publish_every=5))
    thread = threading.Thread(target=runner.run)
    thread.start()
    wait_for(lambda: (tmp_path / "address").exists())
    policy, stored = start.load(tmp_path / "start")
    with ExperienceClient((tmp_path / "address").read_text().strip(), tmp_path / "spool", stored) as client:
        done = ActorRunner(Wide(), policy, client, ActorConfig()).run()
    thread.join(120)
    dataset = open_dataset(tmp_path / "experience")
    fresh = {name: np.concatenate([e.freshness[name] for e in dataset.episodes()]) for name, _ in FRESHNESS}
    assert len(dataset) >= 3
    assert (np.diff(fresh["weights_version"].astype(int)) >= 0).all()
    assert len(np.unique(fresh["weights_version"])) > 3
    assert (fresh["weights_age"][fresh["weights_version"] > 0] >= 0).all()
    found = overview(dataset).ledger
    assert found.overruns == found.missed == sum(len(e) > 3 for e in dataset.episodes()) > 0
    assert found.ages["action_age"].most == pytest.approx(0.03)
    assert found.ages["weights_age"].steps == (fresh["weights_version"] > 0).sum()
    assert done.steps >= found.steps == sum(len(e) for e in dataset.episodes())


def test_between_its_own_updates_the_actor_and_the_temperature_stand_still():
    """HIL-SERL's critic-only steps move them by momentum (zero gradients, but Adam steps all the same)."""
    torch.set_num_threads(1)
    method = registry.load("rlpd")
    learner = method.make(method.Config(hidden=(16, 16), utd=4, batch_size=32, members=2), SPEC)
    rng = np.random.default_rng(0)
    moved = []
    for _ in range(12):
        before = {k: v.clone() for k, v in learner.actor.head.state_dict().items()} | {
            "temperature": learner.log_temperature.detach().clone()
        }
        learner.update(batch(rng))
        after = learner.actor.head.state_dict() | {"temperature": learner.log_temperature.detach()}
        moved.append(sum(not torch.equal(before[k], after[k]) for k in before))
    assert [count > 0 for count in moved] == [False, False, False, True] * 3


def batch(rng):
    """Random transitions."""

    def draw(*shape):
        return torch.as_tensor(rng.uniform(-1, 1, shape).astype(np.float32))

    return Transition(
        obs={STATE: draw(32, 2)}, action=draw(32, 1), reward=draw(32), discount=draw(32), next_obs={STATE: draw(32, 2)}
    )
