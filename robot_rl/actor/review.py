"""Between an episode and the dataset: it is kept, forgotten or recorded again once somebody has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from robot_rl.core.protocols import EpisodeSink
from robot_rl.core.records import Observation, StepRecord

Facts = Mapping[str, str | int | float | bool]


class Recorder(EpisodeSink, Protocol):
    """A sink that can add facts to the open episode, and forget it."""

    def annotate(self, meta: Facts) -> None: ...
    def discard(self) -> None: ...


class ReviewSink:
    """Hands every step to ``recorder`` at once, but leaves the episode open at its end until it is judged.

    A kill while it waits loses nothing of it: the recorder finds it as an interrupted episode.
    """

    def __init__(self, recorder: Recorder, facts: Facts) -> None:
        self.recorder, self.facts = recorder, dict(facts)
        self._final: Observation | None = None

    def begin(self, meta: Facts) -> None:
        """Open an episode, with the facts of the session beside its own."""
        self.recorder.begin({**self.facts, **meta})

    def add(self, step: StepRecord) -> None:
        """One step."""
        self.recorder.add(step)

    def end(self, final_obs: Observation | None) -> None:
        """The episode is over, ``keep`` or ``discard`` must follow; None: interrupted, it is committed as it is."""
        self._final = final_obs
        if final_obs is None:
            self.recorder.end(None)

    def keep(self, facts: Facts) -> None:
        """Commit it."""
        self.recorder.annotate(facts)
        self.recorder.end(self._final)

    def discard(self) -> None:
        """Forget it."""
        self.recorder.discard()
