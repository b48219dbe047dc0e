"""In which order records went into a replay: the index that a checkpoint keeps instead of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robot_rl.transport.inbox import Arrival


@dataclass
class Run:
    """Consecutive records of one stream."""

    stream: str
    first: int
    last: int
    resumed: bool
    """Whether the replay was free for it, or others had it before."""


class Order:
    """Grows with the turns that actors take, not with the records."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.runs = [Run(*run) for run in state["runs"]] if state else []
        self.taken: dict[str, int] = dict(state["taken"]) if state else {}
        """Stream -> the newest of its records that was taken."""
        self._open = bool(state["open"]) if state else False

    def took(self, arrival: Arrival) -> None:
        """A record was taken, for the replay or not."""
        self.taken[arrival.stream] = arrival.seq

    def applied(self, arrival: Arrival, *, resumed: bool, goes_on: bool) -> None:
        """A record went into the replay.

        Args:
            arrival: The record.
            resumed: Whether the replay was free before it: an episode was over, or a turn.
            goes_on: Whether its episode does.
        """
        newest = self.runs[-1] if self.runs else None
        follows = newest is not None and newest.stream == arrival.stream and newest.last == arrival.seq - 1
        if newest is not None and follows and not (resumed and self._open):
            newest.last = arrival.seq
        else:
            self.runs.append(Run(arrival.stream, arrival.seq, arrival.seq, resumed))
        self._open = goes_on

    def replayed(self, streams: Mapping[str, Iterator[Arrival]]) -> Iterator[tuple[Run | None, Arrival]]:
        """The taken records in that order; ``streams`` are left at those that follow.

        Each comes with its run; with the next run of its stream, if it was no good; with None, if it still waits.
        """
        taken = self.taken
        self.taken = {}
        runs = [run for run in self.runs if run.stream in streams]
        for run in runs:
            arrivals = streams[run.stream]
            while self.taken.get(run.stream, 0) < run.last and (arrival := next(arrivals, None)) is not None:
                yield run, arrival
        for stream, last in taken.items():
            arrivals = streams.get(stream, iter(()))
            while self.taken.get(stream, 0) < last and (arrival := next(arrivals, None)) is not None:
                yield None, arrival

    def state_dict(self) -> dict[str, Any]:
        """JSON keeps it."""
        runs = [[r.stream, r.first, r.last, r.resumed] for r in self.runs]
        return {"runs": runs, "taken": dict(self.taken), "open": self._open}
