"""What a person says through a device: an action, whether she wants the arm, and her words about the episode."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from robot_rl.core.protocols import Poses, Teleoperator
from robot_rl.core.records import Array, RobotState, Source


class Event(StrEnum):
    """What a key, a button or the operator page can say."""

    SUCCESS = "success"
    """The task is done: the episode ends."""
    FAILURE = "failure"
    """It went wrong for good: the episode ends."""
    RERECORD = "rerecord"
    """Forget this episode and do it again from the same start."""
    DISCARD = "discard"
    """Forget this episode."""
    KEEP = "keep"
    """Keep the episode that has ended."""
    STOP = "stop"
    """End the session; the open episode is forgotten."""
    TAKE_OVER = "take_over"
    """I have the arm, until I hand it back."""
    HAND_BACK = "hand_back"
    """The policy has the arm again."""
    PAUSE = "pause"
    """Hold the arm and the episode."""
    RESUME = "resume"
    """Go on where the pause began."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a person's device says for one control step."""

    stamp: float
    """Monotonic time of the device's last sign of life [s]."""
    action: Array
    """What she wants the arm to do, (A,) in [-1, 1]."""
    strength: float
    """How clearly she moves the device or holds its clutch, in [0, 1]."""
    events: tuple[Event, ...] = ()
    """What she said since the last reading, in order."""


@runtime_checkable
class Operator(Teleoperator, Protocol):
    """A teleoperator that can also take over, hand back, and judge: a device in a person's hands."""

    name: str

    def read(self, state: RobotState, objects: Poses) -> Reading:
        """What she says now; called once per control step."""
        ...

    def engage(self, state: RobotState, action: Array) -> None:
        """She gets the arm at ``state``, whose last action was ``action`` (A,): start from there without a jump."""
        ...


@runtime_checkable
class Leased(Protocol):
    """A robot that knows who may move it."""

    def acquire(self, source: Source, ttl: float) -> int:
        """Take the arm for ``source``; the lease lasts ``ttl`` [s] beyond each command; its epoch, 0: refused."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...
