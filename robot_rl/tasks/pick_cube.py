"""Lift a cube from a random place by 10 cm: the definition of gym-hil's PandaPickCube, so that both can be compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Frame, Observation, Outcome, RobotState
from robot_rl.tasks.features import clip_action, delta_command, executed_delta, make_spec, object_pose, observation

STEP = 0.025
"""Reference motion of a full action in one step [m]."""
OPENING = 0.08
"""Widest opening of the gripper [m]."""
CUBE_HALF = 0.02
"""Half the cube's edge, so the height of its centre on the table [m]."""
LIFT = 0.1
"""Height gained that counts as success [m]."""
BOUNDS = np.array([[0.25, -0.2], [0.55, 0.2]])
"""The cube's centre outside of these x, y bounds [m] ends the episode (gym-hil: sampling bounds and 5 cm)."""


class PickCube:
    """Action (4,): translation of the reference in base axes, and the gripper from -1 (open) to 1 (closed)."""

    name = "pick_cube"
    max_steps = 100

    def __init__(self, cameras: tuple[str, ...] = ()) -> None:
        self.spec = make_spec(7, 6, 4, cameras, rate=10.0)

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation:
        """Arm features; cube's position and its offset from the tool, base axes, (6,) [m]."""
        cube = object_pose(objects, "cube")[:3]
        return observation(self.spec, state, np.concatenate([cube, cube - state.ee_pose[:3]]), frames)

    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """One action row (4,) as a target relative to the reference; the orientation stays."""
        clipped = clip_action(action)
        delta = np.concatenate([clipped[:3] * STEP, np.zeros(3)])
        return delta_command(state, delta, OPENING * (1 - clipped[3]) / 2, seq, 1 / self.spec.rate)

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:
        """What the reference really did, in units of the action, (4,); the gripper as it was asked for."""
        moved = executed_delta(before, after)[:3] / STEP
        return np.concatenate([clip_action(moved), clip_action(action)[3:]])

    def outcome(self, state: RobotState, objects: Poses) -> Outcome:  # noqa: ARG002
        """Success once the cube is lifted by ``LIFT``; over too once it has left its bounds."""
        cube = object_pose(objects, "cube")[:3]
        success = bool(cube[2] - CUBE_HALF > LIFT)
        lost = bool((cube[:2] < BOUNDS[0]).any() or (cube[:2] > BOUNDS[1]).any())
        return Outcome(reward=float(success), success=success, terminated=success or lost)
