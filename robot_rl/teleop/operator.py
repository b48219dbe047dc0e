"""A device in a person's hands: what she does with it becomes actions of the task, and words about the episode."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from controllers.numeric.rotations import pose_error
from robot_rl.core.protocols import Poses, Task, Teleoperator
from robot_rl.core.records import Array, RobotState
from robot_rl.core.teleop import Event, Reading
from robot_rl.teleop.action_map import ActionMap
from robot_rl.teleop.bindings import Bindings, events_of, grip_after
from robot_rl.teleop.follower import Follower
from robot_rl.teleop.sample import Device, Sample
from robot_rl.teleop.shaping import LowPass, Shaping, shape

CLEAR = 0.05
"""A hand without a clutch that moves faster than this wants the arm [m/s, rad/s]."""


class EventSource(Protocol):
    """Anything else that a person can say something with: the operator page, a foot pedal, a terminal."""

    def events(self) -> Sequence[Event]:
        """What was said since the last time."""
        ...


class DeviceOperator:
    """An ``Operator`` over one device, and over any number of further sources of events."""

    def __init__(
        self,
        device: Device,
        task: Task,
        bindings: Bindings,
        shaping: Shaping | None = None,
        sources: Sequence[EventSource] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = device.name
        self.device, self.task, self.bindings = device, task, bindings
        self.shaping = shaping or Shaping()
        self.sources = sources
        self.clock = clock
        self._map: ActionMap | None = None
        self._filter = LowPass(self.shaping.smoothing)
        self._follower = Follower(self.shaping.hand_scale, self.shaping.leash, self.shaping.yaw)
        self._grip = -1.0
        self._before: tuple[float, Array] | None = None

    def reset(self, seed: int) -> None:  # noqa: ARG002
        """A new episode: nothing moves, the gripper is open, what was pressed before counts no more."""
        self.device.sample()
        for source in self.sources:
            source.events()
        self._still()
        self._grip = -1.0

    def engage(self, state: RobotState, action: Array) -> None:
        """She gets the arm: the hand's place now belongs to the arm's place now, the gripper stays as it is."""
        self._still()
        self._grip = self._actions(state).grip_of(action)

    def act(self, state: RobotState, objects: Poses) -> Array:
        """What she wants the arm to do, (A,) in [-1, 1]."""
        return self.read(state, objects).action

    def read(self, state: RobotState, objects: Poses) -> Reading:  # noqa: ARG002
        """What she says now."""
        sample, actions = self.device.sample(), self._actions(state)
        events = [*events_of(sample.presses, self.bindings), *(e for s in self.sources for e in s.events())]
        self._grip = grip_after(self._grip, sample.presses, self.bindings)
        if sample.grip is not None:
            self._grip = 2.0 * min(max(sample.grip, 0.0), 1.0) - 1.0
        held = not self.bindings.clutch or bool(self.bindings.clutch & sample.buttons)
        if sample.pose is not None:
            action, strength = self._follow(sample, sample.pose, state, held)
        else:
            action, strength = self._deflect(sample, actions, held)
        return Reading(stamp=sample.stamp, action=action, strength=strength, events=tuple(events))

    def _deflect(self, sample: Sample, actions: ActionMap, held: bool) -> tuple[Array, float]:
        self._follower.release()
        slow = bool(self.bindings.slow & sample.buttons)
        wish = shape(sample.axes, self.shaping, slow=slow) if held else np.zeros(6)
        strength = float(np.abs(wish).max()) if not self.bindings.clutch else float(held)
        return actions.from_wish(self._filter(wish, self.clock()), self._grip), min(strength, 1.0)

    def _follow(self, sample: Sample, pose: Array, state: RobotState, held: bool) -> tuple[Array, float]:
        motion = np.zeros(6)
        if held:
            motion = self._follower.motion(pose, state.reference)
        else:
            self._follower.release()
        strength = float(held) if self.bindings.clutch else self._speed(sample.stamp, pose) / CLEAR
        return self._actions(state).from_motion(motion, self._grip), min(strength, 1.0)

    def _speed(self, stamp: float, pose: Array) -> float:
        """How fast the hand moved since the last sample [m/s, rad/s]."""
        before, self._before = self._before, (stamp, pose)
        if before is None or stamp <= before[0]:
            return 0.0
        return float(np.linalg.norm(pose_error(pose, before[1]))) / (stamp - before[0])

    def _actions(self, state: RobotState) -> ActionMap:
        if self._map is None:
            self._map = ActionMap.of(self.task, state)
        return self._map

    def _still(self) -> None:
        self._filter.reset()
        self._filter(np.zeros(6), self.clock())
        self._follower.release()
        self._before = None


class ScriptedOperator:
    """A script in a person's place: it always has the arm; what is said, somebody says by the ``sources``."""

    name = "scripted expert"

    def __init__(self, script: Teleoperator, sources: Sequence[EventSource] = ()) -> None:
        self.script, self.sources = script, sources

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        for source in self.sources:
            source.events()
        self.script.reset(seed)

    def engage(self, state: RobotState, action: Array) -> None:
        """A script sees the state and needs no more."""

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Its action (A,)."""
        return self.script.act(state, objects)

    def read(self, state: RobotState, objects: Poses) -> Reading:
        """Its action, as of this instant."""
        events = tuple(e for source in self.sources for e in source.events())
        return Reading(stamp=state.stamp, action=self.script.act(state, objects), strength=1.0, events=events)
