"""Insert a square peg, held by the gripper, into a hole of random position and yaw with 1 mm clearance (6-DoF)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controllers.numeric.rotations import quat_multiply
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Frame, Observation, Outcome, RobotState
from robot_rl.tasks.features import (
    TOOL_DOWN,
    clip_action,
    delta_command,
    executed_delta,
    make_spec,
    object_pose,
    observation,
    relative_pose,
)

SCALE = np.array([0.015, 0.015, 0.015, 0.06, 0.06, 0.06])
"""Reference motion of a full action in one step, [m] and [rad]."""
FINE = 0.004
"""Length [m] below which the second, finer copy of the lateral error resolves; about four clearances."""
DEPTH = 0.025
"""The peg's tip is inserted when it is this far below the mouth of the hole [m]."""
LOST = np.array([0.045, 0.25])
"""Beyond this to the side of the hole [m], or tilted or turned by more than this [rad], the peg is lost: a failure."""


def upright(hole: Array) -> Array:
    """The hole's pose (7,) turned so that a tool aligned with it has the same orientation (z into the hole)."""
    return np.concatenate([hole[:3], quat_multiply(hole[3:], TOOL_DOWN)])


class PegInsert:
    """6-DoF insertion. Action (6,): translation and rotation of the reference, base axes. Sparse reward."""

    name = "peg_insert"
    max_steps = 60

    def __init__(self, cameras: tuple[str, ...] = ()) -> None:
        self.spec = make_spec(7, 8, 6, cameras, rate=10.0)

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation:
        """Arm features; tip seen from the hole (z down): position (3,) [m], rotation (3,) [rad], fine xy (2,)."""
        position, rotation = relative_pose(state.ee_pose, upright(object_pose(objects, "hole")))
        fine = np.tanh(position[:2] / FINE)
        return observation(self.spec, state, np.concatenate([position, rotation, fine]), frames)

    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """One action row (6,) as a target relative to the reference; the gripper keeps its grip."""
        return delta_command(state, clip_action(action) * SCALE, state.gripper, seq, 1 / self.spec.rate)

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:  # noqa: ARG002
        """What the reference really did, in units of the action, (6,)."""
        return clip_action(executed_delta(before, after) / SCALE)

    def outcome(self, state: RobotState, objects: Poses) -> Outcome:
        """Success once the tip is ``DEPTH`` below the mouth and inside the opening; failure once it is ``LOST``."""
        position, rotation = relative_pose(state.ee_pose, upright(object_pose(objects, "hole")))
        success = bool(position[2] > DEPTH and np.abs(position[:2]).max() < 0.003)
        lost = bool(np.linalg.norm(position[:2]) > LOST[0] or np.linalg.norm(rotation) > LOST[1])
        return Outcome(reward=float(success), success=success, terminated=success or lost)
