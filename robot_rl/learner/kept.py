"""Episodes of actors, kept as a dataset beside the log: a restarted learner maps them and decodes what is newer."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from robot_rl.core.errors import RobotRLError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.data.keeper import Keeper
from robot_rl.data.loading.recorded import Slim
from robot_rl.learner.order import Run
from robot_rl.learner.tally import EpisodeSummary, add_step, begun
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.inbox import Arrival

Entry = StepRecord | Observation | None
"""What a record brought: a step, or at an episode's end its final observation, if that is known."""


@dataclass(frozen=True, kw_only=True)
class KeptEpisode:
    """An episode of the dataset, and which records of a stream it was."""

    actor: str
    stream: str
    first: int
    """Its begin."""
    last: int
    """Its end."""
    others: list[int]
    """Records between them that are no steps."""
    summary: EpisodeSummary
    load: Callable[[], Slim]

    def steps_until(self, record: int) -> int:
        """How many of its steps came up to a record."""
        return max(0, min(record, self.last - 1) - self.first - bisect_right(self.others, record))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Records of a kept episode that entered the replay in one go; it stands for them in a stream."""

    of: KeptEpisode
    first: int
    seq: int
    """The last of them."""

    @property
    def actor(self) -> str:
        return self.of.actor

    @property
    def stream(self) -> str:
        return self.of.stream

    @property
    def ends(self) -> bool:
        """Whether the episode's end is one of them."""
        return self.seq == self.of.last

    @cached_property
    def rows(self) -> Slim:
        """The whole episode, its images mapped."""
        return self.of.load()

    @property
    def steps(self) -> range:
        """The episode's steps among them."""
        return range(self.of.steps_until(self.first - 1), self.of.steps_until(self.seq))

    @property
    def span(self) -> tuple[int, int]:
        """Rows of the observations that they brought to the replay; it goes on from its newest step after others."""
        start = self.steps.start if self.first == self.of.first else max(0, self.steps.start - 1)
        return start, min(len(self.rows.action) + 1, self.steps.stop + self.ends)


@dataclass(kw_only=True)
class _Open:
    stream: str
    first: int
    summary: EpisodeSummary
    steps: list[StepRecord] = field(default_factory=list)
    others: list[int] = field(default_factory=list)


class Kept:
    """Watches what a feed gives to its replay, and keeps every episode that has ended."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self._keeper = Keeper(folder, spec)
        self._open: dict[str, _Open] = {}
        self._episodes: dict[str, list[KeptEpisode]] = {}
        for entry in self._keeper.index():
            said = entry["meta"]
            summary = EpisodeSummary(**json.loads(said["summary"]))
            place = {name: said[name] for name in ("stream", "first", "last")} | {"others": json.loads(said["others"])}
            load = partial(self._keeper.load, entry)
            episode = KeptEpisode(actor=summary.actor, summary=summary, load=load, **place)
            self._episodes.setdefault(episode.stream, []).append(episode)
        self._known = {(e.stream, e.first) for kept in self._episodes.values() for e in kept}

    @property
    def error(self) -> RobotRLError | None:
        """Why nothing is kept any more, or None."""
        return self._keeper.error

    def close(self) -> None:
        """Write what waits."""
        self._keeper.close()

    def saw(self, arrival: Arrival, entry: Entry) -> None:
        """A record went into the replay."""
        event = cast(Event, arrival.event)
        kind = event.WhichOneof("body")
        if kind == "begin":
            summary = begun(arrival.actor, event.begin.meta)
            self._open[arrival.actor] = _Open(stream=arrival.stream, first=arrival.seq, summary=summary)
        episode = self._open.get(arrival.actor)
        if episode is None or episode.stream != arrival.stream:
            return
        if kind == "step":
            add_step(episode.summary, event)
            episode.steps.append(cast(StepRecord, entry))
        elif kind == "end":
            episode.summary.complete = event.end.complete
            self._keep(self._open.pop(arrival.actor), arrival.seq, cast(Observation | None, entry))
        elif kind != "begin":
            episode.others.append(arrival.seq)

    def _keep(self, episode: _Open, last: int, final_obs: Observation | None) -> None:
        whole = last - episode.first == len(episode.steps) + len(episode.others) + 1
        if not whole or not episode.steps or (episode.stream, episode.first) in self._known or self.error:
            return
        place = {"stream": episode.stream, "first": episode.first, "last": last, "others": json.dumps(episode.others)}
        facts = {**place, "summary": json.dumps(asdict(episode.summary))}
        self._keeper.keep(episode.steps, final_obs, facts)

    def streams(
        self, logs: Mapping[str, Callable[[int], Iterator[Arrival]]], state: Mapping[str, Any]
    ) -> dict[str, Iterator[Arrival | Part]]:
        """The records of each stream, kept ones as the parts in which a feed of ``state`` had taken them.

        Args:
            logs: Stream -> what gives its records from a number on.
            state: Of the feed, with its runs.
        """
        runs = [Run(*run) for run in state.get("runs", ())]
        return {name: _merged(log, self._parts(name, runs)) for name, log in logs.items()}

    def _parts(self, stream: str, runs: list[Run]) -> list[Part]:
        own, parts = [run for run in runs if run.stream == stream], []
        for episode in sorted(self._episodes.get(stream, ()), key=lambda e: e.first):
            over = [run for run in own if run.first <= episode.last and run.last >= episode.first]
            found = [Part(of=episode, first=max(r.first, episode.first), seq=min(r.last, episode.last)) for r in over]
            if sum(p.seq - p.first + 1 for p in found) == episode.last - episode.first + 1:
                parts += found
        return parts


def _merged(log: Callable[[int], Iterator[Arrival]], parts: list[Part]) -> Iterator[Arrival | Part]:
    """A log's records in order; those that ``parts`` stand for are not read."""
    following = 0
    for part in parts:
        if part.first > following:
            yield from takewhile(lambda arrival, stop=part.first: arrival.seq < stop, log(following))
        yield part
        following = part.seq + 1
    yield from log(following)
