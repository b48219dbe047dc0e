"""Who says what a step was worth: the task's own measurements, or a source that stands in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from robot_rl.core.protocols import Poses
from robot_rl.core.records import Frame, Outcome, RobotState


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What there is to judge a step by: the world after it."""

    state: RobotState
    objects: Poses
    """Tracked objects, (7,) each, seen from base."""
    frames: Mapping[str, Frame]
    """The newest image of each camera that the task or the source looks through."""
    task: Callable[[], Outcome]
    """What the task itself says. Called only by who wants it, because it may need poses that nobody tracks."""


class Reward(Protocol):
    """Judges every step of an episode, in order."""

    cameras: tuple[str, ...]
    """Which it looks through; they need not be among those that the policy sees."""

    @property
    def alarm(self) -> str:
        """Why its word should be doubted at present; empty: nothing speaks against it."""
        ...

    def reset(self) -> None:
        """A new episode begins."""
        ...

    def outcome(self, sight: Sight) -> Outcome: ...
