"""The actor keeps its promises towards the learner: weights between steps, waiting where it may, every step spooled."""

import threading
import time

import pytest
from actor_bench import Bench, publish, wait_for

from robot_rl.actor.pilots import Abandoned, PolicyPilot
from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.errors import ConnectionLostError
from robot_rl.core.spec import STATE
from robot_rl.core.teleop import Event as Word
from robot_rl.transport.experience_pb2 import Event


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.client.close()
    bench.server.stop()


def test_the_newest_weights_choose_the_very_next_action(bench) -> None:
    publish(bench, 0.25)
    config = ActorConfig(max_steps=400)
    thread = threading.Thread(target=bench.run, args=(config,), name="control")
    thread.start()
    for n in range(1, 4):
        wait_for(lambda n=n: bench.env.total >= 40 * n)
        publish(bench, 0.25 + 0.125 * n)
    thread.join(20)
    steps = bench.steps()
    assert len(steps) == 400
    assert bench.policy.thread == "control"
    for step in steps:
        assert step.record.action[0] == 0.25 + 0.125 * (step.policy_version - 1), "label and action disagree"
        assert 0.0 <= step.policy_age < 20.0
    changes = [i for i in range(1, 400) if steps[i].policy_version != steps[i - 1].policy_version]
    assert len(changes) == 3
    assert any(steps[i].record.obs[STATE][0] != 0 for i in changes), "adopted between episodes only"


def test_enough_means_enough(bench) -> None:
    publish(bench, 0.0)
    summary = bench.run(ActorConfig(max_steps=25, first_seed=70))
    assert (summary.steps, summary.episodes, summary.delivered) == (25, 2, True)
    assert bench.env.seeds == [70, 71, 72]
    kinds = [Event.FromString(a.payload).WhichOneof("body") for a in bench.arrived]
    assert kinds == [*(["begin", *["step"] * 10, "end"] * 2), "begin", *["step"] * 5, "end"]
    assert not Event.FromString(bench.arrived[-1].payload).end.complete


class Moody(PolicyPilot):
    """A person at the controls, who abandons an episode after three steps, and one for good."""

    said = (Word.RERECORD, Word.DISCARD, Word.STOP)
    steps = 0

    def propose(self, obs):
        self.steps += 1
        if self.steps % 4 == 0:
            raise Abandoned(self.said[self.steps // 4 - 1])
        return super().propose(obs)


def test_a_person_may_abandon_an_episode(bench) -> None:
    """The learner sees it as interrupted; a re-recorded one starts at the same place, a stop ends the process."""
    publish(bench, 0.0)
    runner = ActorRunner(bench.env, bench.policy, bench.client, ActorConfig(first_seed=70), Moody(bench.policy))
    summary = runner.run()
    assert bench.env.seeds == [70, 70, 71]
    assert (summary.episodes, summary.delivered) == (1, True)
    kinds = [Event.FromString(a.payload).WhichOneof("body") for a in bench.arrived]
    assert kinds == ["begin", *["step"] * 3, "end"] * 3
    ends = [Event.FromString(a.payload).end.complete for a in bench.arrived[4::5]]
    assert ends == [False] * 3


def test_without_a_learner_it_goes_on_for_a_while_and_then_waits_and_then_says_so(tmp_path) -> None:
    bench = Bench(tmp_path)
    publish(bench, 0.0)
    threading.Timer(0.3, bench.server.stop).start()
    with pytest.raises(ConnectionLostError, match="start it again"):
        bench.run(ActorConfig(max_unsent=50, patience=0.3))
    assert 50 <= bench.client.spool.pending <= 53
    assert bench.env.total > 30
    bench.client.close()


@pytest.mark.parametrize(("wait", "most"), [("step", 3), ("episode", 13), ("never", 10_000)])
def test_waiting_where_it_may(bench, wait, most) -> None:
    publish(bench, 0.0)
    thread = threading.Thread(target=bench.run, args=(ActorConfig(wait=wait),))
    thread.start()
    wait_for(lambda: bench.env.total >= 15)
    bench.server.ask(finished=False, paused=True)
    wait_for(lambda: bench.client.status.paused)
    before = bench.env.total
    time.sleep(0.5)
    assert bench.env.total - before <= most
    assert (bench.env.total - before > 30) == (wait == "never")
    bench.server.ask(finished=False, paused=False)
    wait_for(lambda: bench.env.total > before + 30)
    bench.server.ask(finished=True, paused=False)
    thread.join(20)
    assert not thread.is_alive()
    assert len(bench.steps()) == bench.env.total
