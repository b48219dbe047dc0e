"""An examining actor, an actor whose camera fails now and then, and an arm that holds while the learner is away."""

import json
import threading
import time

import numpy as np
import pytest
from actor_bench import Bench, Constant, publish, wait_for

from robot_rl.actor.pilots import PolicyPilot
from robot_rl.actor.rollout import run_episode
from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.actor.watchdog import Watched
from robot_rl.core.errors import StaleDataError
from robot_rl.core.records import Source
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.transport.experience_pb2 import Event


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.client.close()
    bench.server.stop()


def begins(bench):
    events = [Event.FromString(a.payload) for a in bench.arrived]
    return [json.loads(e.begin.meta) for e in events if e.WhichOneof("body") == "begin"]


def test_every_version_is_examined_from_the_same_starts_and_without_exploration(bench) -> None:
    asked = []

    class Candid(Constant):
        def act(self, obs, *, explore=False):
            asked.append(explore)
            return super().act(obs)

    bench.policy = Candid()
    publish(bench, 0.25)
    runner = ActorRunner(
        bench.env, bench.policy, bench.client, ActorConfig(evaluate=3, evaluation_seed=70), facts={"station": "bench"}
    )
    summaries = []
    thread = threading.Thread(target=lambda: summaries.append(runner.run()))
    thread.start()
    wait_for(lambda: runner.episodes >= 2)
    publish(bench, 0.5)  # in the middle of a round: that goes on with what it began with
    wait_for(lambda: runner.episodes >= 6)
    time.sleep(0.3)
    assert runner.episodes == 6, "one version is examined once"
    publish(bench, 0.75)
    wait_for(lambda: runner.episodes >= 9)
    bench.server.ask(finished=True, paused=False)
    thread.join(20)
    assert summaries[0].delivered
    assert not any(asked)
    assert bench.env.seeds[:9] == [70, 71, 72] * 3
    metas = begins(bench)
    assert [(m["evaluation"], m["version"], m["station"]) for m in metas[:9]] == [
        (n, n, "bench") for n in (1, 2, 3) for _ in range(3)
    ]
    for step in bench.steps():
        assert step.record.action[0] == 0.25 * step.policy_version, "weights changed in the middle of a round"


def test_a_pause_of_the_learner_is_none_for_an_examiner(bench) -> None:
    publish(bench, 0.25)
    bench.server.ask(finished=False, paused=True)
    runner = ActorRunner(bench.env, bench.policy, bench.client, ActorConfig(evaluate=2))
    thread = threading.Thread(target=runner.run)
    thread.start()
    wait_for(lambda: runner.episodes >= 2)
    bench.server.ask(finished=True, paused=True)
    thread.join(20)
    assert not thread.is_alive()


class Flaky:
    """The counting environment with a camera that is late at some steps."""

    def __init__(self, env, late) -> None:
        self.env, self.late = env, late
        self.spec, self.max_steps = env.spec, env.max_steps

    def reset(self, seed):
        return self.env.reset(seed)

    def step(self, action, source=Source.POLICY):
        if self.late(self.env.total):
            self.env.total += 1
            raise StaleDataError("front: newest image is 400 ms old, allowed 300 ms: check its cable")
        return self.env.step(action, source)

    def close(self):
        self.env.close()


def test_a_late_image_costs_an_episode_and_not_the_run(bench) -> None:
    publish(bench, 0.25)
    env = Flaky(bench.env, lambda total: total in (4, 17))
    summary = ActorRunner(env, bench.policy, bench.client, ActorConfig(max_steps=36, first_seed=5)).run()
    assert (summary.mishaps, summary.delivered) == (2, True)
    assert bench.env.seeds[:4] == [5, 5, 6, 6], "what broke off is tried again from the same start"
    ends = [Event.FromString(a.payload) for a in bench.arrived]
    complete = [e.end.complete for e in ends if e.WhichOneof("body") == "end"]
    assert complete[:4] == [False, True, False, True]


def test_an_arm_that_never_answers_ends_the_run_with_the_reason(bench) -> None:
    publish(bench, 0.25)
    env = Flaky(bench.env, lambda total: True)
    with pytest.raises(StaleDataError, match="check its cable"):
        ActorRunner(env, bench.policy, bench.client, ActorConfig(mishaps=1)).run()
    assert len(bench.env.seeds) == 2


def test_an_arm_in_real_time_holds_while_the_learner_must_be_waited_for() -> None:
    """The wait is one long step of nobody's, in which the arm does not move; then the policy plans anew."""
    env = make_twin_env("reach", guarded=True)
    rows, asked = [], []

    class Sideways(Constant):
        def act(self, obs, *, explore=False):
            asked.append(len(rows))
            return np.tile(np.array([0.0, 0.5, 0.0], np.float32), (4, 1))

    class Kept:
        def begin(self, meta):
            pass

        def add(self, step):
            rows.append(step)

        def end(self, final_obs):
            self.final = final_obs

    def stale():
        return len(rows) == 3 and env.clock.now() < 1.4

    pilot = Watched(PolicyPilot(Sideways()), env, stale)
    try:
        run_episode(env, pilot, 3, sink=Kept())
    finally:
        env.close()
    assert [row.source for row in rows[:6]] == [Source.POLICY] * 3 + [Source.SAFETY] + [Source.POLICY] * 2
    assert (pilot.holds, asked[:3]) == (1, [0, 4, 8])
    held, after = rows[3], rows[4]
    assert after.stamp - held.stamp == pytest.approx(1.4 - held.stamp, abs=0.11)
    assert np.abs(held.action).max() < 0.05, "the arm moved although nobody moved it"
    assert np.abs(after.action).max() > 0.3
    np.testing.assert_allclose(held.policy_proposal, [0.0, 0.5, 0.0])
