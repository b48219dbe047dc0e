"""From records on the wire to steps in the replay."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from google.protobuf.message import DecodeError

from robot_rl.core.errors import RobotRLError
from robot_rl.core.records import Source
from robot_rl.core.spec import Spec
from robot_rl.data.replay import Replay
from robot_rl.learner.kept import Entry, Part
from robot_rl.learner.order import Order, Run
from robot_rl.learner.tally import ActorTally, Correspondent, EpisodeSummary, add_step, begun, count_step
from robot_rl.transport.codec import decode_observation, decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.inbox import Arrival

PATIENCE = 2.0
"""An actor that has been silent for this long [s] no longer keeps others waiting for its episode to end."""
TURN = 1.0
"""Nor does one that sends, when others have waited for this long [s]: their steps are to be learnt from soon."""
SLICE = 256
"""Records decoded in one go, so that updates are not held up."""


class Feed:
    """Fills a replay from any number of actors, one episode after the other.

    The server's threads call ``put``, the learner's thread ``drain``. The replay stores an episode's steps in a row,
    so it takes steps of one actor as they come and keeps those of others until that episode ends, or until they have
    waited for long. An episode that was left goes on later, from its newest step, which is then stored again: what is
    sampled is a step with what followed it, whoever sent something in between. Episodes of evaluation never enter.
    """

    def __init__(self, replay: Replay, spec: Spec, on_episode: Callable[[EpisodeSummary], None]) -> None:
        self.replay = replay
        self.env_steps = 0
        """Steps that arrived, of all actors, evaluations left out."""
        self.episodes = 0
        """Complete episodes that arrived, evaluations left out."""
        self.evaluations = 0
        """Complete episodes of evaluation that arrived."""
        self.rejected = 0
        """Records that could not be understood and were left out."""
        self.human_steps = 0
        """Steps of people that arrived, evaluations left out."""
        self.on_episode = on_episode
        """Called with every episode that ended, complete or not."""
        self.on_applied: Callable[[Arrival, Entry], None] | None = None
        """Called with every record that entered the replay, and what it brought."""
        self._spec = spec
        self._arrivals: deque[Arrival] = deque()
        self._arrived = threading.Event()
        self._actors: dict[str, Correspondent] = {}
        self._owner: str | None = None
        self._owned_since = 0.0
        self._order = Order()

    def put(self, arrival: Arrival) -> None:
        """Hand over one record; costs nothing."""
        self._arrivals.append(arrival)
        self._arrived.set()

    @property
    def backlog(self) -> int:
        """Number of records that ``drain`` has not taken yet."""
        return len(self._arrivals)

    def wait(self, timeout: float) -> None:
        """Return when something has arrived, or after ``timeout`` [s]."""
        self._arrived.wait(timeout)

    def drain(self, until: Callable[[], bool] | None = None) -> int:
        """Take some of what has arrived into the replay; returns how many records that were.

        ``until`` is asked before each of them: so what is learnt from does not depend on when the records came.
        """
        self._arrived.clear()
        count = 0
        while self._arrivals and count < SLICE and not (until is not None and until()):
            self.take(self._arrivals.popleft())
            count += 1
        if self._arrivals:
            self._arrived.set()
        return count

    def take_all(self, arrivals: Iterable[Arrival]) -> None:
        """Take the records of a log."""
        for arrival in arrivals:
            self.take(arrival)

    def take(self, arrival: Arrival) -> None:
        """Take one record into the replay; one that makes no sense is counted and left out."""
        try:
            self._await(arrival)
            self._settle()
        except (RobotRLError, DecodeError, ValueError):
            self.rejected += 1

    def state_dict(self) -> dict[str, Any]:
        """Which records are in the replay, in which order, and which have been taken at all; JSON keeps it."""
        return {**self._order.state_dict(), "owner": self._owner, "rejected": self.rejected}

    def restore(self, state: Mapping[str, Any], streams: Mapping[str, Iterator[Arrival | Part]]) -> None:
        """Take the records of a log as the feed of ``state`` did; those that it had not taken wait for ``drain``."""
        if state:
            self._order = Order(state)
            for run, arrival in self._order.replayed(streams):
                self._again(run, arrival)
            self._owner = state["owner"]
            if self._owner is None:
                self.replay.end(None)
            self.rejected = state["rejected"]
        for arrivals in streams.values():
            for arrival in arrivals:
                self.put(cast(Arrival, arrival))  # parts are of what was taken

    def _again(self, run: Run | None, arrival: Arrival | Part) -> None:
        """Take a record that was taken before; ``run`` as ``Order.replayed`` says."""
        if isinstance(arrival, Part):
            self._attach(arrival)
            return
        with suppress(RobotRLError, DecodeError, ValueError):
            actor = self._await(arrival)
            if run is None or not actor.waiting:
                return
            arrival = actor.waiting.pop()
            if arrival.seq >= run.first:
                if arrival.seq == run.first and run.resumed:
                    self._owner = None
                goes_on = self._apply(actor, arrival, resumes=self._owner is None)
                self._owner = arrival.actor if goes_on else None

    def _attach(self, part: Part) -> None:
        """Take records of a kept episode, which are not decoded again."""
        actor = self._actor(part.actor)
        self._order.took(part)
        self.replay.attach(part.rows, *part.span)
        self.env_steps += len(part.steps)
        self._owner = None if part.ends else part.actor
        if part.ends:
            actor.sent(replace(part.of.summary, env_steps=self.env_steps))
            self.episodes += actor.episode.complete
            self.human_steps += actor.episode.human_steps
            self.on_episode(actor.episode)

    def _actor(self, name: str) -> Correspondent:
        if name not in self._actors:
            self._actors[name] = Correspondent(name)
        return self._actors[name]

    def _await(self, arrival: Arrival) -> Correspondent:
        """Count a record, and let it wait for its turn."""
        actor = self._actor(arrival.actor)
        self._order.took(arrival)
        event = Event.FromString(arrival.payload) if arrival.event is None else arrival.event
        self._account(actor, event)
        actor.heard = time.monotonic()
        if not actor.episode.evaluation:
            actor.waits_since = actor.waits_since if actor.waiting else actor.heard
            actor.waiting.append(arrival._replace(event=event))
        return actor

    def counts(self) -> dict[str, float]:
        """What has arrived, beside the steps."""
        return {name: getattr(self, name) for name in ("episodes", "evaluations", "rejected", "human_steps")}

    def tallies(self) -> list[ActorTally]:
        """Every actor that has ever sent anything."""
        return [actor.tally for actor in self._actors.values()]

    def _account(self, actor: Correspondent, event: Event) -> None:
        kind, episode, tally = event.WhichOneof("body"), actor.episode, actor.tally
        learnt = not episode.evaluation
        if kind == "begin":
            actor.episode = begun(episode.actor, event.begin.meta)
            tally.station = actor.episode.station
        elif kind == "step":
            self.env_steps += learnt
            self.human_steps += learnt and event.step.source == Source.HUMAN
            add_step(episode, event)
            count_step(tally, event)
        elif kind == "end":
            episode.complete, episode.env_steps = event.end.complete, self.env_steps
            self.episodes += episode.complete and learnt
            self.evaluations += episode.complete and not learnt
            actor.ended(episode)
            self.on_episode(episode)

    def _settle(self) -> None:
        """Move waiting records into the replay, as far as it is their actor's turn."""
        if self._owner is not None and self._turn_is_over(self._actors[self._owner]):
            self.replay.end(None)
            self._owner = None
        while (name := self._next()) is not None:
            if self._owner is None:
                self._owned_since = time.monotonic()
            actor, resumes = self._actors[name], self._owner is None
            arrival = actor.waiting.popleft()
            goes_on = self._apply(actor, arrival, resumes=resumes)
            self._order.applied(arrival, resumed=resumes, goes_on=goes_on)
            actor.waits_since = time.monotonic()
            self._owner = name if goes_on else None

    def _turn_is_over(self, owner: Correspondent) -> bool:
        now = time.monotonic()
        others = [actor.waits_since for actor in self._actors.values() if actor.waiting and actor is not owner]
        if not others:
            return False
        return now - owner.heard > PATIENCE or now - max(min(others), self._owned_since) > TURN

    def _next(self) -> str | None:
        """The actor whose records may enter the replay now."""
        if self._owner is not None:
            return self._owner if self._actors[self._owner].waiting else None
        waiting = [name for name, actor in self._actors.items() if actor.waiting]
        return min(waiting, key=lambda name: self._actors[name].waits_since, default=None)

    def _apply(self, actor: Correspondent, arrival: Arrival, *, resumes: bool) -> bool:
        """Give one record to the replay; True if its episode goes on. ``resumes``: others had the replay meanwhile."""
        event = cast(Event, arrival.event)
        kind = event.WhichOneof("body")
        if kind == "begin" or resumes:
            self.replay.begin({})
        if kind == "begin":
            actor.newest = None
        elif resumes and actor.newest is not None:
            self.replay.add(actor.newest)
        brought: Entry = None
        if kind == "step":
            brought = actor.newest = decode_step(event.step, self._spec).record
            self.replay.add(actor.newest)
        elif kind == "end":
            actor.newest = None
            brought = decode_observation(event.end.observation, self._spec) if event.end.complete else None
            self.replay.end(brought)
        if self.on_applied is not None:
            self.on_applied(arrival, brought)
        return kind != "end"
