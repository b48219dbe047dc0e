"""A learner that maps kept episodes holds what one holds that decodes its whole log, whatever the turns were."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from learner_samples import SPEC as SPEC_OF_LINE
from learner_samples import Line

from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import ENVIRONMENT, STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.learner import feed as feed_module
from robot_rl.learner import registry, start
from robot_rl.learner.feed import Feed
from robot_rl.learner.kept import Kept, Part
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.learner.tally import EpisodeSummary
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import encode_begin, encode_end, encode_samples, encode_step
from robot_rl.transport.inbox import Arrival
from robot_rl.transport.server import ExperienceServer

IMAGE = "observation.images.wrist"
SPEC = Spec(observation={STATE: Feature((2,)), IMAGE: Feature((40, 40, 3), "uint8")}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)
Log = Callable[[int], Iterator[Arrival]]


def look(actor: int, number: int) -> dict[str, np.ndarray]:
    image = np.random.default_rng([actor, number]).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return {STATE: np.array([actor, number], np.float32), IMAGE: image}


def step(actor: int, number: int, *, terminated: bool, human: bool) -> StepRecord:
    action = np.array([number], np.float32)
    return StepRecord(
        obs=look(actor, number),
        action=action,
        proposal=action,
        reward=float(number % 3),
        success=terminated,
        terminated=terminated,
        truncated=False,
        source=Source.HUMAN if human else Source.POLICY,
        stamp=0.0,
        energy=ENERGY,
        peak_force=4.0,
        intervention=int(human),
    )


def arrivals(actor: int, rng: random.Random) -> list[Arrival]:
    """What one actor sends: episodes of all kinds, signals faster than their steps, a record that is no good."""
    payloads, number = [], 0
    for _ in range(6):
        length, end = rng.randint(1, 7), rng.choice(["terminated", "stopped", "interrupted"])
        payloads.append(encode_begin({"evaluation": int(rng.random() < 0.2), "station": f"s{actor}"}))
        for row in range(length):
            done = end == "terminated" and row == length - 1
            payloads.append(
                encode_step(step(actor, number, terminated=done, human=rng.random() < 0.3), SPEC, number, 0.1)
            )
            if rng.random() < 0.3:
                payloads.append(encode_samples("wrench", [0.0], np.zeros((1, 6))))
            number += 1
        payloads.append(encode_end(None if end == "interrupted" else look(actor, number), SPEC))
        number += 1
    payloads[rng.randrange(len(payloads))] = b"\xff\xff"
    return [Arrival(f"actor{actor}", f"stream{actor}", i + 1, p) for i, p in enumerate(payloads)]


def log_of(sent: list[Arrival], read: list[int]) -> Log:
    """As ``Inbox.logs``; counts what is read."""

    def log(first: int) -> Iterator[Arrival]:
        for arrival in sent:
            if arrival.seq >= first:
                read.append(arrival.seq)
                yield arrival

    return log


def feed_to(replay: Replay) -> tuple[Feed, list[EpisodeSummary]]:
    summaries: list[EpisodeSummary] = []
    return Feed(replay, SPEC, summaries.append), summaries


def facts(feed: Feed, summaries: list[EpisodeSummary]) -> dict:
    tallies = sorted(json.dumps({**vars(t), "recent": list(t.recent)}) for t in feed.tallies())
    learnt = [(s.actor, s.success, s.steps, s.episode_return) for s in summaries if not s.evaluation]
    counts = {**feed.counts(), "env_steps": feed.env_steps, "rejected": 0}
    return {"tallies": tallies, "episodes": sorted(learnt), **counts}


@pytest.mark.parametrize("seed", range(6))
def test_mapped_or_decoded_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int):
    rng = random.Random(seed)
    monkeypatch.setattr(feed_module, "TURN", rng.choice([-1.0, 0.0, 100.0]))
    queues = [arrivals(actor, rng) for actor in range(rng.randint(1, 3))]
    sent: dict[str, list[Arrival]] = {f"stream{a}": [] for a in range(len(queues))}
    feed, _ = feed_to(Replay(SPEC, 300, seed))
    kept = Kept(tmp_path / "experience", SPEC)
    feed.on_applied = kept.saw
    total, state, drawn = sum(map(len, queues)), {}, {}
    for count in range(total):
        arrival = rng.choice([queue for queue in queues if queue]).pop(0)
        sent[arrival.stream].append(arrival)
        feed.put(arrival)
        if rng.random() < 0.5:
            feed.drain()
        if count == total * 2 // 3:  # a checkpoint; the learner goes on, and is killed some time after it
            state = json.loads(json.dumps(feed.state_dict()))
            drawn = feed.replay.state_dict()
    while feed.drain():
        pass
    kept.close()

    whole, read = feed_to(Replay(SPEC, 300, 99)), []
    whole[0].restore(state, {name: log_of(s, read)(0) for name, s in sent.items()})
    again = Kept(tmp_path / "experience", SPEC)
    mapped, read_now = feed_to(Replay(SPEC, 300, 98)), []
    mapped[0].on_applied = again.saw
    mapped[0].restore(state, again.streams({name: log_of(s, read_now) for name, s in sent.items()}, state))
    assert len(read_now) < len(read)
    for _ in range(2):  # as it was at the checkpoint, and when all is taken
        same(whole[0].replay, mapped[0].replay, drawn)
        assert facts(*whole) == facts(*mapped)
        assert whole[0].backlog == mapped[0].backlog
        monkeypatch.setattr(feed_module, "TURN", 100.0)
        for restored in (whole[0], mapped[0]):
            while restored.drain():
                time.sleep(0)
    again.close()
    known = [(e["meta"]["stream"], e["meta"]["first"]) for e in Kept(tmp_path / "experience", SPEC)._keeper.index()]
    assert len(set(known)) == len(known), "an episode was kept twice"


def same(first: Replay, second: Replay, drawn: dict) -> None:
    assert len(first) == len(second) > 0
    for replay in (first, second):
        replay.load_state_dict(drawn)
    one, two = (replay.sample(300, 3, 0.9) for replay in (first, second))
    for name in (STATE, IMAGE):
        np.testing.assert_array_equal(one.obs[name], two.obs[name])
        np.testing.assert_array_equal(one.next_obs[name], two.next_obs[name])
    for name in ("action", "reward", "discount"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    people = [len(replay.corrections(0)) for replay in (first, second)]
    assert people[0] == people[1]


def test_a_part_knows_its_steps_and_rows(tmp_path: Path):
    queue = [a for a in arrivals(0, random.Random(3)) if a.payload != b"\xff\xff"]
    feed, summaries = feed_to(Replay(SPEC, 300, 0))
    kept = Kept(tmp_path / "experience", SPEC)
    feed.on_applied = kept.saw
    feed.take_all(queue)
    kept.close()
    (episode, *_) = [e for found in Kept(tmp_path / "experience", SPEC)._episodes.values() for e in found]
    length = episode.last - episode.first - 1 - len(episode.others)
    assert length == episode.summary.steps == next(s.steps for s in summaries if not s.evaluation)
    part = Part(of=episode, first=episode.first, seq=episode.last)
    assert (part.steps, part.ends) == (range(length), True)
    assert part.span == (0, len(part.rows.action) + 1)
    end = Part(of=episode, first=episode.last, seq=episode.last)
    assert len(end.steps) == 0
    assert end.span[1] == part.span[1]


class Wide(Line):
    """Observations with a feature that is large enough to be mapped."""

    spec = SPEC_OF_LINE.with_feature(ENVIRONMENT, Feature((1200,)))

    def _observe(self) -> dict[str, np.ndarray]:
        return {**super()._observe(), ENVIRONMENT: np.full(1200, self.at, np.float32)}


def wide_runner(folder: Path) -> LearnerRunner:
    method = registry.load("sac")
    config = method.Config(hidden=(8, 8), batch_size=16, utd=1.0, learning_starts=40)
    learner = method.make(config, Wide.spec, base=None, statistics=None)
    server = ExperienceServer("127.0.0.1:0", folder / "log", learner.spec)
    return LearnerRunner(learner, None, server, RunnerConfig(folder=folder, max_env_steps=160, checkpoint_every=30))


def live(folder: Path, runner: LearnerRunner, steps: int) -> None:
    """A learner and an actor, until the actor is done."""
    thread = threading.Thread(target=runner.run)
    thread.start()
    end = time.monotonic() + 60
    while not (folder / "address").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    policy, stored = start.load(folder / "start")
    with ExperienceClient((folder / "address").read_text().strip(), folder / "spool", stored) as client:
        ActorRunner(Wide(), policy, client, ActorConfig(max_steps=steps)).run()
    while runner.feed.env_steps < steps and time.monotonic() < end:
        time.sleep(0.01)
    runner.stop()
    thread.join(60)
    assert not thread.is_alive()


def test_a_learner_that_is_started_again_maps_what_it_had(tmp_path: Path):
    first = wide_runner(tmp_path)
    live(tmp_path, first, 100)
    assert len(list((tmp_path / "experience" / "episodes").iterdir())) >= 4
    again = wide_runner(tmp_path)
    again._open()
    while again.feed.drain():
        pass
    assert again.replay.ring._mapped, "its large features were read again"
    assert (again.feed.env_steps, again.feed.episodes) == (first.feed.env_steps, first.feed.episodes)
    assert len(again.replay) == len(first.replay)
    draws = first.replay.state_dict()
    again.replay.load_state_dict(draws)
    expected = first.replay.sample(64, 3, 0.9).next_obs[ENVIRONMENT]
    np.testing.assert_array_equal(again.replay.sample(64, 3, 0.9).next_obs[ENVIRONMENT], expected)
    again.server.stop()
    again.kept.close()
