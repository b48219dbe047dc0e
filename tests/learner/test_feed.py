"""Whatever the order in which actors' records arrive, every episode enters the replay in one piece."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.learner import feed as feed_module
from robot_rl.learner.feed import EpisodeSummary, Feed
from robot_rl.transport.codec import encode_begin, encode_end, encode_samples, encode_step
from robot_rl.transport.inbox import Arrival

SPEC = Spec(observation={STATE: Feature((2,))}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)


def step(actor: int, number: int, *, success: bool = False) -> StepRecord:
    return StepRecord(
        obs={STATE: np.array([actor, number], np.float32)},
        action=np.zeros(1, np.float32),
        proposal=np.zeros(1, np.float32),
        reward=float(success),
        success=success,
        terminated=success,
        truncated=False,
        source=Source.POLICY,
        stamp=0.0,
        energy=ENERGY,
        peak_force=4.0,
    )


class Tape:
    """A replay that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def begin(self, meta) -> None:
        self.told.append(("begin",))

    def add(self, record: StepRecord) -> None:
        self.told.append(("step", *record.obs[STATE].astype(int)))

    def end(self, final_obs) -> None:
        self.told.append(("end", final_obs is not None))


def episodes(actor: int, lengths: list[int]) -> list[Arrival]:
    payloads, number = [], 0
    for length in lengths:
        payloads.append(encode_begin({}))
        payloads += [encode_step(step(actor, number + i), SPEC) for i in range(length)]
        number += length
        payloads.append(encode_end({STATE: np.zeros(2, np.float32)}, SPEC))
    return [Arrival(f"actor{actor}", "stream", i + 1, p) for i, p in enumerate(payloads)]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4), st.randoms())
def test_every_episode_in_one_piece(lengths, random) -> None:
    queues = [episodes(actor, of) for actor, of in enumerate(lengths)]
    tape = Tape()
    feed = Feed(tape, SPEC, lambda episode: None)
    while any(queues):
        feed.put(random.choice([q for q in queues if q]).pop(0))
        if random.random() < 0.3:
            feed.drain()
    while feed.drain():
        pass
    seen: dict[int, list[int]] = {actor: [] for actor in range(len(lengths))}
    of_episode: set[int] = set()
    for kind, *rest in tape.told:
        if kind == "step":
            actor, number = rest
            seen[actor].append(number)
            of_episode.add(actor)
            assert len(of_episode) == 1, "two actors in one episode"
        else:
            of_episode.clear()
    assert seen == {actor: list(range(sum(of))) for actor, of in enumerate(lengths)}
    assert feed.env_steps == sum(map(sum, lengths))
    assert feed.episodes == sum(map(len, lengths))
    assert feed.rejected == feed.backlog == 0


def test_an_actor_that_fell_silent_does_not_hold_up_the_others(monkeypatch) -> None:
    tape = Tape()
    feed = Feed(tape, SPEC, lambda episode: None)
    feed.take_all(episodes(0, [5])[:4])
    feed.take_all(episodes(1, [2])[:-1])
    assert [t for t in tape.told if t[0] == "step"] == [("step", 0, n) for n in range(3)], "the second waits"
    monkeypatch.setattr(feed_module, "PATIENCE", -1.0)
    feed.take_all(episodes(1, [2])[-1:])
    assert tape.told[-5:] == [("end", False), ("begin",), ("step", 1, 0), ("step", 1, 1), ("end", True)]


def test_summary_of_an_episode() -> None:
    summaries: list[EpisodeSummary] = []
    feed = Feed(Replay(SPEC, 100, 0), SPEC, summaries.append)
    payloads = [encode_begin({}), encode_step(step(0, 0), SPEC, 3, 0.5)]
    payloads += [encode_step(step(0, 1, success=True), SPEC, 4, 0.1)]
    payloads += [encode_end({STATE: np.zeros(2, np.float32)}, SPEC), encode_begin({}), encode_end(None, SPEC)]
    feed.take_all(Arrival("a", "s", i + 1, p) for i, p in enumerate(payloads))
    first, second = summaries
    assert (first.steps, first.success, first.episode_return, first.complete) == (2, True, 1.0, True)
    assert (first.policy_version, first.policy_age, first.peak_force, first.worst_ratio) == (4, 0.1, 4.0, 0.25)
    assert not second.complete
    assert (feed.episodes, feed.env_steps, len(feed.replay)) == (1, 2, 2)


def test_what_makes_no_sense_is_left_out_and_counted() -> None:
    feed = Feed(Replay(SPEC, 100, 0), SPEC, lambda episode: None)
    wrong = Spec(observation={STATE: Feature((3,))}, action_dim=1, rate=10.0)
    bad = encode_step(replace(step(0, 0), obs={STATE: np.zeros(3, np.float32)}), wrong)
    good = episodes(0, [3])
    feed.take_all([*good[:3], *(Arrival("actor0", "s", 9, payload) for payload in (b"\xff\xff", bad)), *good[3:]])
    assert feed.rejected == 2
    assert len(feed.replay) == 3


def test_signals_faster_than_the_steps_do_not_disturb_it() -> None:
    plain, mixed = Tape(), Tape()
    feed = Feed(mixed, SPEC, lambda episode: None)
    Feed(plain, SPEC, lambda episode: None).take_all(episodes(0, [3, 2]))
    payloads = [arrival.payload for arrival in episodes(0, [3, 2])]
    for place in (8, 4, 2):
        payloads.insert(place, encode_samples("wrench", [0.0], np.zeros((1, 6))))
    feed.take_all(Arrival("actor0", "stream", i + 1, payload) for i, payload in enumerate(payloads))
    assert mixed.told == plain.told
    assert feed.rejected == 0
