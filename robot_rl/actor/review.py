"""Between an episode and the dataset: it is kept, forgotten or recorded again once somebody has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from robot_rl.core.protocols import EpisodeSink
from robot_rl.core.records import Observation, RewardSource, StepRecord

Facts = Mapping[str, str | int | float | bool]


class Recorder(EpisodeSink, Protocol):
    """A sink that can add facts to the open episode, and forget it."""

    def annotate(self, meta: Facts) -> None: ...
    def discard(self) -> None: ...


class ReviewSink:
    """Hands every step to ``recorder``, the last one when the episode is judged: its reward may still change.

    A kill while the episode waits costs that one step; the recorder finds the rest as an interrupted episode.
    """

    def __init__(self, recorder: Recorder, facts: Facts) -> None:
        self.recorder, self.facts = recorder, dict(facts)
        self._last: StepRecord | None = None
        self._final: Observation | None = None

    def begin(self, meta: Facts) -> None:
        """Open an episode, with the facts of the session beside its own."""
        self._last = self._final = None
        self.recorder.begin({**self.facts, **meta})

    def add(self, step: StepRecord) -> None:
        """One step."""
        self._flush()
        self._last = step

    def end(self, final_obs: Observation | None) -> None:
        """The episode is over, ``keep`` or ``discard`` must follow; None: interrupted, it is committed as it is."""
        self._final = final_obs
        if final_obs is None:
            self._flush()
            self.recorder.end(None)

    def keep(self, success: bool, facts: Facts) -> None:
        """Commit it as a success or a failure, whatever its last step said."""
        if self._last is not None and self._last.success is not success:
            ends = {"success": success, "reward": float(success), "terminated": True, "truncated": False}
            self._last = replace(self._last, **ends, reward_source=RewardSource.RELABELED)
        self._flush()
        self.recorder.annotate({"outcome": "success" if success else "failure", **facts})
        self.recorder.end(self._final)

    def discard(self) -> None:
        """Forget it."""
        self._last = None
        self.recorder.discard()

    def _flush(self) -> None:
        if self._last is not None:
            self.recorder.add(self._last)
        self._last = None
