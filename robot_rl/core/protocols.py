"""The protocols that the parts meet at. Torch stays out: ``Learner`` lives in ``robot_rl.learner.protocol``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from robot_rl.core.records import (
    Action,
    Array,
    Command,
    Frame,
    Observation,
    Outcome,
    RobotState,
    Source,
    Step,
    StepRecord,
)
from robot_rl.core.spec import Spec

Poses = Mapping[str, Array]
"""Tracked objects: name -> pose (7,) seen from base; from the twin, or from a tracker."""
Controller = Callable[[RobotState, Command], Array]
"""Joint torques (n,) [N m]."""


@runtime_checkable
class Robot(Protocol):
    """An arm with a gripper. Also a context manager; ``__init__`` opens nothing."""

    def __enter__(self) -> Robot: ...
    def __exit__(self, *exc: object) -> None: ...
    def state(self) -> RobotState:
        """The newest measurement."""
        ...

    def objects(self) -> Poses:
        """Poses of the tracked objects."""
        ...

    def send(self, command: Command) -> Command:
        """Limit, send, return what was really sent; ``CommandRejectedError`` if it is not finite or out of range."""
        ...

    def reset(self, seed: int) -> None:
        """Bring the arm home and the scene to the start that belongs to ``seed``; refills the tank."""
        ...

    def stop(self) -> None:
        """Hold where the arm is."""
        ...


class Camera(Protocol):
    """A source of images."""

    def latest(self, max_age: float) -> Frame:
        """The newest frame; ``StaleDataError`` if it is older than ``max_age`` [s]."""
        ...


class Clock(Protocol):
    """Monotonic time. A lockstep twin's clock steps the physics instead of sleeping."""

    def now(self) -> float:
        """Monotonic time [s]."""
        ...

    def sleep_until(self, stamp: float) -> None:
        """Return when ``now() >= stamp``."""
        ...


class Task(Protocol):
    """The only place where physics becomes features and back."""

    name: str
    spec: Spec
    max_steps: int

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation: ...
    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """One row (A,) of a chunk -> target, relative to ``state.reference``."""
        ...

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:
        """The action (A,) that takes ``before.reference`` to ``after.reference``: what was really done."""
        ...

    def outcome(self, state: RobotState, objects: Poses) -> Outcome: ...


class Policy(Protocol):
    """Observation -> chunk of actions."""

    def reset(self) -> None:
        """Forget the episode (an open chunk, a filter)."""
        ...

    def augment(self, obs: Observation) -> Observation:
        """Add what is to be stored beside the observation, once per step: a frozen base's action, frozen features."""
        ...

    def act(self, obs: Observation, *, explore: bool = False) -> Action:
        """The next chunk (H, A) for an observation that ``augment`` returned; H = 1 when it replans every step."""
        ...


class Teleoperator(Protocol):
    """A person, or a script in her place."""

    def reset(self, seed: int) -> None: ...
    def act(self, state: RobotState, objects: Poses) -> Array:
        """Her action (A,) in [-1, 1]."""
        ...


class EpisodeSink(Protocol):
    """Where the steps of an episode go: a dataset on disk, or the spool of an actor."""

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None: ...
    def add(self, step: StepRecord) -> None: ...
    def end(self, final_obs: Observation | None) -> None:
        """Commit the episode. None: it was interrupted and its last action has no known result."""
        ...


class Env(Protocol):
    """A task on a robot: what actors, evaluation and collection drive. In lockstep or in real time, sim or not."""

    spec: Spec
    max_steps: int

    def reset(self, seed: int) -> Observation: ...
    def step(self, action: Array, source: Source = Source.POLICY) -> Step:
        """Execute one action row (A,) that ``source`` asked for."""
        ...

    def close(self) -> None: ...
