"""A session of demonstrations: what is kept, counted, stored, shown, and what a second session finds."""

import os
import signal
import subprocess
import sys
import time

import pytest
from scripted_person import Moment, ScriptedPerson, Seen

from robot_rl.actor.collection import Collector, Plan, Tally, resume
from robot_rl.actor.session import Session, SessionConfig
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.records import RewardSource, Source
from robot_rl.core.teleop import Event
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env

QUIET = Moment()


def say(event):
    return Moment(events=(event,))


@pytest.fixture(scope="module")
def env():
    env = make_twin_env("reach")
    yield env
    env.close()


def collect(env, out, moments, view=None, **plan):
    """A session of a scripted person, who says the same things in every episode."""
    operator = ScriptedPerson(env.clock.now, 3, moments)
    pilot = SharedControl(env, operator, clock=env.clock.now)
    lines = []
    with EpisodeWriter(out, env.spec) as writer:
        wanted = Plan(**{"good": 1, **plan})
        collector = Collector(env, pilot, writer, wanted, resume(out, "reach", wanted.seed), view)
        tally = collector.run(lines.append)
    return tally, lines


def test_her_word_makes_a_good_demonstration(env, tmp_path):
    tally, lines = collect(env, tmp_path / "d", [QUIET] * 3 + [say(Event.SUCCESS)], facts={"instruction": "touch it"})
    assert (tally.good, tally.tries, tally.discarded) == (1, 1, 0)
    assert lines[0]["steps"] == 4
    episode = open_dataset(tmp_path / "d").episode(0)
    assert episode.outcome == "success"
    assert episode.instruction == "touch it"
    assert episode.meta["labelled_by"] == "person"
    last = list(episode.steps())[-1]
    assert (last.reward, last.reward_source, last.source) == (1.0, RewardSource.PERSON, Source.HUMAN)


def test_failures_are_forgotten_or_kept_with_their_label(env, tmp_path):
    moments = [QUIET] * 2 + [say(Event.FAILURE)]

    class Patience(Seen):
        def show(self, state):
            super().show(state)
            if state["tries"] >= 3:
                operator.moments = [QUIET, say(Event.STOP)]

    for keep, name in ((False, "forgotten"), (True, "kept")):
        operator = ScriptedPerson(env.clock.now, 3, list(moments))
        with EpisodeWriter(tmp_path / name, env.spec) as writer:
            pilot = SharedControl(env, operator, clock=env.clock.now)
            plan = Plan(good=1, keep_failures=keep)
            tally = Collector(env, pilot, writer, plan, Tally(), Patience()).run()
        assert tally.good == 0
        assert (tally.failures, tally.discarded) == ((3, 1) if keep else (0, 4)), "the last one was stopped"
        outcomes = [e.outcome for e in open_dataset(tmp_path / name).episodes()]
        assert outcomes == (["failure"] * 3 if keep else [])


def test_a_rerecorded_episode_starts_at_the_same_place(env, tmp_path):
    class Once(Seen):
        def show(self, state):
            super().show(state)
            if state["tries"] == 1:
                operator.moments = [QUIET, QUIET, say(Event.SUCCESS)]

    operator = ScriptedPerson(env.clock.now, 3, [QUIET, say(Event.RERECORD)])
    with EpisodeWriter(tmp_path / "d", env.spec) as writer:
        pilot = SharedControl(env, operator, clock=env.clock.now)
        tally = Collector(env, pilot, writer, Plan(good=1, seed=7), Tally(next_seed=7), Once()).run()
    assert (tally.tries, tally.discarded, tally.next_seed) == (2, 1, 8)
    dataset = open_dataset(tmp_path / "d")
    assert [e.meta["seed"] for e in dataset.episodes()] == [7]


REVIEWS = [
    (Event.SUCCESS, Event.KEEP, "success"),
    (Event.SUCCESS, Event.DISCARD, None),
    (Event.SUCCESS, Event.FAILURE, "failure"),
    (Event.FAILURE, Event.SUCCESS, "success"),
    (Event.FAILURE, Event.KEEP, "failure"),
    (Event.SUCCESS, Event.RERECORD, None),
]


@pytest.mark.parametrize(("first", "then", "outcome"), REVIEWS)
def test_after_an_episode_she_may_think_otherwise(env, tmp_path, first, then, outcome):
    moments = [QUIET, QUIET, say(first), QUIET, QUIET, say(then)]

    class OneEpisode(Seen):
        def show(self, state):
            super().show(state)
            if state["phase"] == "reset" and state["tries"]:
                operator.moments = [say(Event.STOP)]

    operator, view = ScriptedPerson(env.clock.now, 3, moments), OneEpisode()
    with EpisodeWriter(tmp_path / "d", env.spec) as writer:
        pilot = SharedControl(env, operator, clock=env.clock.now)
        plan = Plan(good=1, review=600.0, keep_failures=then is Event.FAILURE)
        Collector(env, pilot, writer, plan, Tally(), view).run()
    outcomes = [e.outcome for e in open_dataset(tmp_path / "d").episodes()]
    assert outcomes == ([] if outcome is None else [outcome])
    for episode in open_dataset(tmp_path / "d").episodes():
        last = list(episode.steps())[-1]
        assert last.success is (last.reward == 1.0) is (outcome == "success")
        assert last.reward_source is (RewardSource.PERSON if first.value == outcome else RewardSource.RELABELED)
        assert last.terminated
    reviews = [s for s in view.states if s["phase"] == "review"]
    assert reviews
    assert {"keep", "discard", "rerecord", "success", "failure"} <= set(reviews[0]["allowed"])


def test_nobody_who_says_nothing_stops_the_session(env, tmp_path):
    """The time to judge passes, and what follows from the result is done."""
    moments = [QUIET, QUIET, say(Event.SUCCESS)]
    started = time.monotonic()
    tally, _ = collect(env, tmp_path / "d", moments, good=2, review=0.3)
    assert tally.good == 2
    assert time.monotonic() - started > 0.6


def test_a_second_session_goes_on_where_the_first_one_stopped(env, tmp_path):
    config = SessionConfig(task="reach", out=tmp_path / "d", episodes=3, noise=0.1, cameras=(), seed=40)
    for wanted, new in ((3, 3), (3, 0), (5, 2)):
        lines = []
        again = SessionConfig(**{**vars(config), "episodes": wanted, "instruction": f"up to {wanted}"})
        with Session(again, env, {"station": "twin"}, clock=env.clock.now) as session:
            tally = session.run(lines.append)
        assert (tally.good, len(lines)) == (wanted, new)
    dataset = open_dataset(tmp_path / "d")
    assert [e.meta["seed"] for e in dataset.episodes()] == [40, 41, 42, 43, 44]
    assert [e.instruction for e in dataset.episodes()] == ["up to 3"] * 3 + ["up to 5"] * 2


def test_what_is_shown_says_what_can_be_said_now(env, tmp_path):
    view = Seen()
    pause = [say(Event.PAUSE), QUIET, QUIET, say(Event.RESUME)]
    collect(env, tmp_path / "d", [QUIET, *pause, QUIET, say(Event.SUCCESS)], view)
    phases = [s["phase"] for s in view.states]
    assert phases[0] == "reset"
    assert phases[-1] == "done"
    assert {"human", "paused"} <= set(phases)
    paused = next(s for s in view.states if s["phase"] == "paused")
    assert "resume" in paused["allowed"]
    assert all("10.0 of" in s["figures"]["rate"] for s in view.states[3:]), "a pause slows nothing down"
    assert "take_over" not in paused["allowed"], "there is no policy to take it from"
    assert all(0 < s["tank"] <= s["tank_full"] for s in view.states[1:])


KILLED = """
import sys
from pathlib import Path
from robot_rl.actor.session import Session, SessionConfig
from robot_rl.envs.twin_env import make_twin_env
env = make_twin_env("reach")
config = SessionConfig(task="reach", out=Path(sys.argv[1]), episodes=1000, noise=0.1, cameras=())
with Session(config, env, {}, clock=env.clock.now) as session:
    session.run(lambda line: print(line["good"], flush=True))
"""


def test_a_killed_session_loses_nothing_that_it_counted(env, tmp_path):
    out = tmp_path / "d"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(out)], stdout=subprocess.PIPE, text=True)
    try:
        counted = [child.stdout.readline() for _ in range(4)]
    finally:
        os.kill(child.pid, signal.SIGKILL)
    counted += child.stdout.readlines()
    child.wait()
    good = int([line for line in counted if line.endswith("\n")][-1])
    found = resume(out, "reach", 0)
    assert good <= found.good <= good + 1
    config = SessionConfig(task="reach", out=out, episodes=found.good + 1, noise=0.1, cameras=())
    with Session(config, env, {}, clock=env.clock.now) as session:
        assert session.run(lambda line: None).good == found.good + 1
    seeds = [e.meta["seed"] for e in open_dataset(out).episodes() if e.outcome == "success"]
    assert len(set(seeds)) == len(seeds), "no start is recorded twice"
