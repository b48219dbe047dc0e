"""Which entry of a task's action moves what, asked of the task itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controllers.numeric.rotations import pose_error
from robot_rl.core.protocols import Task
from robot_rl.core.records import Array, RobotState
from robot_rl.teleop.shaping import limit


@dataclass(frozen=True, kw_only=True)
class ActionMap:
    """A task's action in terms of what a person's hand does."""

    steps: Array
    """Motion of the reference by a full action of each entry within one step, (A, 6) [m, rad], base axes."""
    grips: Array
    """1 where a positive entry closes the gripper, -1 where it opens it, 0 elsewhere, (A,)."""

    @staticmethod
    def of(task: Task, state: RobotState) -> ActionMap:
        """Try every entry of the action on ``task.command``, and send nothing."""
        size = task.spec.action_dim
        steps, grips = np.zeros((size, 6)), np.zeros(size)
        for i in range(size):
            entry = np.zeros(size)
            entry[i] = 1.0
            up, down = task.command(entry, state, 0), task.command(-entry, state, 0)
            steps[i] = pose_error(up.pose, down.pose) / 2
            grips[i] = np.sign(down.gripper - up.gripper)
        return ActionMap(steps=steps, grips=grips)

    @property
    def size(self) -> int:
        """Entries of the action."""
        return len(self.grips)

    def from_wish(self, wish: Array, grip: float) -> Array:
        """The action (A,) for shares of the full speed (6,) and a gripper from -1 (open) to 1 (closed)."""
        lengths = np.linalg.norm(self.steps, axis=1)
        directions = self.steps / np.maximum(lengths, 1e-9)[:, None]
        return np.clip(directions @ wish + grip * self.grips, -1.0, 1.0)

    def from_motion(self, motion: Array, grip: float) -> Array:
        """The action (A,) that moves the reference by ``motion`` (6,) [m, rad], or as far as one step goes."""
        squares = np.maximum((self.steps**2).sum(axis=1), 1e-18)
        entries = (self.steps @ motion) / squares
        turns = np.abs(self.steps[:, 3:]).sum(axis=1) > np.abs(self.steps[:, :3]).sum(axis=1)
        for group in (turns, ~turns):
            entries[group] = limit(entries[group])
        return np.clip(entries + grip * self.grips, -1.0, 1.0)

    def grip_of(self, action: Array) -> float:
        """Where an action (A,) wants the gripper, from -1 (open) to 1 (closed); -1 when it says nothing of it."""
        return float(self.grips @ action) if self.grips.any() else -1.0

    def holding(self, action: Array) -> Array:
        """The action (A,) that moves nothing and keeps the gripper where ``action`` wanted it."""
        return np.where(self.grips != 0, action, 0.0)
