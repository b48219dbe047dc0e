"""Both halves of a batch: all that was done, and what people did, each step with what really followed it; no exams."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.learner import feed as feed_module
from robot_rl.learner.feed import Feed
from robot_rl.learner.metrics import Metrics
from robot_rl.transport.codec import encode_begin, encode_end, encode_step
from robot_rl.transport.inbox import Arrival

SPEC = Spec(observation={STATE: Feature((2,))}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)


def seen(actor: int, number: int) -> dict[str, np.ndarray]:
    return {STATE: np.array([actor, number], np.float32)}


def step(actor: int, number: int, source: Source, *, terminated: bool = False) -> StepRecord:
    return StepRecord(
        obs=seen(actor, number), action=np.full(1, number % 7 / 7, np.float32), proposal=np.zeros(1, np.float32),
        reward=float(number), success=False, terminated=terminated, truncated=False, source=source, stamp=0.0,
        energy=ENERGY, peak_force=0.0, intervention=int(source is Source.HUMAN),
    )  # fmt: skip


def pairs(replay: Replay, draws: int = 4000) -> dict[tuple[int, int], tuple[int, int, float]]:
    """(actor, number) -> (its next actor, its next number, discount) of everything that can be sampled."""
    if not len(replay):
        return {}
    batch = replay.sample(draws, 1, 0.5)
    obs, following = batch.obs[STATE].astype(int), batch.next_obs[STATE].astype(int)
    assert np.array_equal(batch.reward, obs[:, 1]), "an action's reward belongs to another step"
    return {
        (int(a), int(n)): (int(b), int(m), float(d))
        for (a, n), (b, m), d in zip(obs, following, batch.discount, strict=True)
    }


SOURCES = st.sampled_from([Source.POLICY, Source.HUMAN, Source.HUMAN, Source.HUMAN, Source.PAUSE])
EPISODE = st.tuples(st.lists(SOURCES, min_size=1, max_size=9), st.sampled_from(["terminated", "timeout", "cut"]))


def told(actor: int, episodes: list, silent: bool) -> tuple[list[bytes], dict]:
    """What an actor sends, and which of its steps can be learnt from: (actor, number) -> (what followed, whose)."""
    payloads, expected, number = [], {}, 0
    for sources, ending in episodes:
        payloads.append(encode_begin({}))
        for i, source in enumerate(sources):
            last = i == len(sources) - 1
            ends = last and ending == "terminated"
            payloads.append(encode_step(step(actor, number, source, terminated=ends), SPEC))
            if not (last and ending == "cut"):
                expected[actor, number] = ((actor, number + 1, 0.0 if ends else 0.5), source)
            number += 1
        if not (silent and ending == "cut"):  # a killed actor says nothing, and begins again
            payloads.append(encode_end(None if ending == "cut" else seen(actor, number), SPEC))
        number += 1
    return payloads, expected


@settings(max_examples=120, deadline=None)
@given(
    of_actors=st.lists(st.lists(EPISODE, min_size=1, max_size=4), min_size=1, max_size=3),
    silent=st.booleans(),
    turn=st.sampled_from([-1.0, 1.0]),
    random=st.randoms(use_true_random=False),
)
def test_every_step_is_there_once_with_what_followed_and_hers_in_both_halves(of_actors, silent, turn, random) -> None:
    """Whoever sends when, whoever is killed, and however often actors take turns in the middle of an episode."""
    both = [told(actor, episodes, silent) for actor, episodes in enumerate(of_actors)]
    queues = [arrivals(f"actor{actor}", payloads) for actor, (payloads, _) in enumerate(both)]
    expected = dict(pair for _, found in both for pair in found.items())
    feed = Feed(Replay(SPEC, 4096, 0), SPEC, lambda summary: None)
    hers = feed.replay.corrections(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "TURN", turn)
        while any(queues):
            feed.take(random.choice([queue for queue in queues if queue]).pop(0))
        for actor in range(len(of_actors)):  # whoever still waits for a turn gets it
            feed.take_all(arrivals(f"actor{actor}", [encode_begin({}), encode_end(None, SPEC)]))
    assert feed.rejected == 0
    assert len(feed.replay) == len(expected), "stored twice, or lost"
    assert pairs(feed.replay) == {key: followed for key, (followed, _) in expected.items()}
    assert pairs(hers) == {key: followed for key, (followed, whose) in expected.items() if whose is Source.HUMAN}
    assert len(hers) == len(pairs(hers))


def test_her_step_can_be_learnt_from_when_the_next_one_arrives() -> None:
    feed = Feed(Replay(SPEC, 64, 0), SPEC, lambda summary: None)
    hers = feed.replay.corrections(1)
    for number, arrival in enumerate(arrivals("a", episode(0, [Source.HUMAN] * 4 + [Source.POLICY], {}))[:-1]):
        feed.take(arrival)
        assert len(hers) == min(4, max(0, number - 1))


def test_nobody_waits_long_for_the_end_of_somebody_elses_episode(monkeypatch) -> None:
    feed = Feed(Replay(SPEC, 64, 0), SPEC, lambda summary: None)
    hers = feed.replay.corrections(1)
    first = arrivals("a", episode(0, [Source.POLICY] * 9, {}))
    feed.take_all(first[:4])
    feed.take_all(arrivals("b", episode(1, [Source.HUMAN] * 5, {}))[:-1])
    assert len(hers) == 0
    now = time.monotonic()
    monkeypatch.setattr(feed_module.time, "monotonic", lambda: now + 1.5)
    feed.take(first[4])
    assert len(hers) == 4, "hers had waited for long enough"
    feed.take_all(first[5:])
    monkeypatch.setattr(feed_module.time, "monotonic", lambda: now + 3.0)
    feed.take_all(arrivals("b", [encode_end(seen(1, 5), SPEC)]))
    assert len(hers) == 5
    assert len(feed.replay) == 14


def arrivals(actor: str, payloads: list[bytes]) -> list[Arrival]:
    return [Arrival(actor, "stream", i + 1, payload) for i, payload in enumerate(payloads)]


def episode(actor: int, sources: list[Source], meta: dict) -> list[bytes]:
    steps = [encode_step(step(actor, n, source), SPEC, 3, 0.5) for n, source in enumerate(sources)]
    return [encode_begin(meta), *steps, encode_end(seen(actor, len(sources)), SPEC)]


def test_both_halves_get_what_she_did() -> None:
    summaries = []
    feed = Feed(Replay(SPEC, 512, 0), SPEC, summaries.append)
    sources = [Source.POLICY, Source.POLICY, Source.HUMAN, Source.HUMAN, Source.POLICY]
    feed.take_all(arrivals("a", episode(0, sources, {"seed": 4, "station": "left"})))
    assert len(feed.replay) == 5
    assert set(pairs(feed.replay.corrections(1))) == {(0, 2), (0, 3)}
    assert (summaries[0].human_steps, summaries[0].interventions, summaries[0].station) == (2, 1, "left")
    tally = feed.tallies()[0]
    assert (tally.steps, tally.human_steps, tally.episodes, tally.policy_version) == (5, 2, 1, 3)


def test_an_evaluation_is_counted_and_not_learnt_from(tmp_path) -> None:
    metrics = Metrics(tmp_path)
    feed = Feed(Replay(SPEC, 512, 0), SPEC, metrics.episode)
    examined = episode(0, [Source.HUMAN] * 6, {"seed": 1, "evaluation": 2, "station": "right"})
    feed.take_all(arrivals("judge", examined[:4]))
    feed.take_all(arrivals("other", episode(1, [Source.POLICY] * 3, {"seed": 2})))
    feed.take_all(arrivals("judge", examined[4:]))
    assert (feed.env_steps, feed.episodes, feed.evaluations) == (3, 1, 1)
    assert {actor for actor, _ in pairs(feed.replay)} == {1}
    assert len(feed.replay.corrections(1)) == 0
    assert feed.human_steps == 0
    metrics.actors(feed.tallies(), feed.env_steps)
    metrics.actors(feed.tallies(), feed.env_steps)
    metrics.close()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["episode", "evaluation", "actor", "actor"]
    assert lines[1]["round_episodes"] == 1
    assert {line["actor"]: line["steps"] for line in lines[2:]} == {"judge": 6, "other": 3}
    assert metrics.recent_success == 0.0
    assert len(metrics.successes) == 1
