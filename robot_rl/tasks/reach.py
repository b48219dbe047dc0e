"""Bring the tool centre point to a random target: the smallest task, for tests and first steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Frame, Observation, Outcome, RobotState
from robot_rl.tasks.features import clip_action, delta_command, executed_delta, make_spec, object_pose, observation

STEP = 0.025
"""Reference motion of a full action in one step [m]."""
TOLERANCE = 0.02
"""Distance at which the target counts as reached [m]."""


class Reach:
    """Action (3,): translation of the reference, base axes. Sparse reward."""

    name = "reach"
    max_steps = 30

    def __init__(self, cameras: tuple[str, ...] = ()) -> None:
        self.spec = make_spec(7, 3, 3, cameras, rate=10.0)

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation:
        """Arm features; target seen from the tool, base axes, (3,) [m]."""
        target = object_pose(objects, "target")[:3] - state.ee_pose[:3]
        return observation(self.spec, state, target, frames)

    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """One action row (3,) as a target relative to the reference; orientation and gripper stay."""
        delta = np.concatenate([clip_action(action) * STEP, np.zeros(3)])
        return delta_command(state, delta, state.gripper, seq, 1 / self.spec.rate)

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:  # noqa: ARG002
        """What the reference really did, in units of the action, (3,)."""
        return clip_action(executed_delta(before, after)[:3] / STEP)

    def outcome(self, state: RobotState, objects: Poses) -> Outcome:
        """Success within ``TOLERANCE`` of the target."""
        distance = np.linalg.norm(object_pose(objects, "target")[:3] - state.ee_pose[:3])
        success = bool(distance < TOLERANCE)
        return Outcome(reward=float(success), success=success, terminated=success)
