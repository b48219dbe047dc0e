"""From records on the wire to steps in the replay."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from robot_rl.core.errors import RobotRLError
from robot_rl.core.spec import Spec
from robot_rl.data.replay import Replay
from robot_rl.transport.codec import decode_observation, decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.inbox import Arrival

PATIENCE = 2.0
"""An actor that has been silent for this long [s] no longer keeps others waiting for its episode to end."""
SLICE = 256
"""Records decoded in one go, so that updates are not held up."""


@dataclass(kw_only=True)
class EpisodeSummary:
    """One episode of an actor, as the learner saw it."""

    actor: str
    env_steps: int = 0
    """Steps of all actors when it ended."""
    steps: int = 0
    success: bool = False
    episode_return: float = 0.0
    complete: bool = False
    """False: interrupted."""
    policy_version: int = 0
    """Weights that chose its last action."""
    policy_age: float = 0.0
    """Age of those weights then [s]."""
    peak_force: float = 0.0
    """Largest external force [N]."""
    violations: int = 0
    """Ticks at which the controller's work exceeded its budget."""
    worst_ratio: float = 0.0
    """Largest work / budget [-]."""


@dataclass(kw_only=True)
class _Actor:
    waiting: deque[Event] = field(default_factory=deque)
    heard: float = 0.0
    episode: EpisodeSummary


class Feed:
    """Fills a replay from any number of actors, one episode after the other.

    The server's threads call ``put``, the learner's thread ``drain``. The replay stores an episode's steps in a row,
    so it takes steps of one actor as they come and keeps those of others until that episode ends.
    """

    def __init__(self, replay: Replay, spec: Spec, on_episode: Callable[[EpisodeSummary], None]) -> None:
        self.replay = replay
        self.env_steps = 0
        """Steps that arrived, of all actors."""
        self.episodes = 0
        """Complete episodes that arrived."""
        self.rejected = 0
        """Records that could not be understood and were left out."""
        self.on_episode = on_episode
        """Called with every episode that ended, complete or not."""
        self._spec = spec
        self._arrivals: deque[Arrival] = deque()
        self._arrived = threading.Event()
        self._actors: dict[str, _Actor] = {}
        self._owner: str | None = None

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

    def drain(self) -> int:
        """Take some of what has arrived into the replay; returns how many records that were."""
        self._arrived.clear()
        count = min(len(self._arrivals), SLICE)
        for _ in range(count):
            self.take(self._arrivals.popleft())
        if self._arrivals:
            self._arrived.set()
        return count

    def take_all(self, arrivals: Iterable[Arrival]) -> None:
        """Take the records of a log."""
        for arrival in arrivals:
            self.take(arrival)

    def take(self, arrival: Arrival) -> None:
        """Take one record into the replay; one that makes no sense is counted and left out."""
        actor = self._actors.setdefault(arrival.actor, _Actor(episode=EpisodeSummary(actor=arrival.actor)))
        try:
            event = Event.FromString(arrival.payload)
            self._account(actor, event)
            actor.waiting.append(event)
            actor.heard = time.monotonic()
            self._settle()
        except (RobotRLError, DecodeError, ValueError):
            self.rejected += 1

    def _account(self, actor: _Actor, event: Event) -> None:
        kind = event.WhichOneof("body")
        if kind == "begin":
            actor.episode = EpisodeSummary(actor=actor.episode.actor)
        elif kind == "step":
            self.env_steps += 1
            _add(actor.episode, event)
        elif kind == "end":
            self.episodes += event.end.complete
            actor.episode.complete, actor.episode.env_steps = event.end.complete, self.env_steps
            self.on_episode(actor.episode)

    def _settle(self) -> None:
        """Move waiting records into the replay, as far as every episode stays in one piece."""
        owner = self._owner
        if owner is not None and time.monotonic() - self._actors[owner].heard > PATIENCE:
            self.replay.end(None)
            self._owner = None
        while (name := self._next()) is not None:
            goes_on = self._apply(self._actors[name].waiting.popleft())
            self._owner = name if goes_on else None

    def _next(self) -> str | None:
        """The actor whose records may enter the replay now."""
        if self._owner is not None:
            return self._owner if self._actors[self._owner].waiting else None
        return next((name for name, actor in self._actors.items() if actor.waiting), None)

    def _apply(self, event: Event) -> bool:
        """Give one event to the replay; True if its episode goes on."""
        kind = event.WhichOneof("body")
        if kind == "begin":
            self.replay.begin({})
        elif kind == "step":
            self.replay.add(decode_step(event.step, self._spec).record)
        elif kind == "end":
            final = decode_observation(event.end.observation, self._spec) if event.end.complete else None
            self.replay.end(final)
        return kind != "end"


def _add(episode: EpisodeSummary, event: Event) -> None:
    step = event.step
    episode.steps += 1
    episode.success = step.success
    episode.episode_return += step.reward
    episode.policy_version, episode.policy_age = step.policy_version, step.policy_age
    episode.peak_force = max(episode.peak_force, step.peak_force)
    episode.violations = step.energy.violations
    episode.worst_ratio = max(episode.worst_ratio, step.energy.worst_ratio)
