"""Moves to a pose, however far: a chain of near targets, each a command like any other, until the arm is there."""

from __future__ import annotations

import numpy as np

from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.core.records import Array, Command, RobotState, Source

STEP = (0.08, 0.3)
"""Largest lead of a target over the reference [m], [rad]."""
NEAR = (0.004, 0.02)
"""How near the reference must come to the pose [m], [rad]."""
AHEAD = 0.3
"""How long each command is valid [s]."""
TIMEOUT = 20.0
"""Longest move [s]."""


class Move:
    """One move.

    Args:
        pose: Where to, (7,), seen from base.
        now: Monotonic time of its start [s].
    """

    def __init__(self, pose: Array, now: float) -> None:
        self.pose, self.started = np.array(pose, dtype=float), now
        self.outcome = ""
        """``reached``, ``timed out`` or ``cancelled``, at the end."""
        self.distance = self.angle = np.inf

    def step(self, state: RobotState, seq: int, now: float) -> Command | None:
        """The next command; None at the end."""
        error = pose_error(self.pose, state.reference)
        self.distance, self.angle = float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))
        if self.distance < NEAR[0] and self.angle < NEAR[1]:
            self.outcome = "reached"
        elif now - self.started > TIMEOUT:
            self.outcome = "timed out"
        if self.outcome:
            return None
        share = min(1.0, STEP[0] / max(self.distance, 1e-9), STEP[1] / max(self.angle, 1e-9))
        target = self.pose if share >= 1.0 else pose_add(state.reference, share * error)
        return Command(
            stamp=now,
            seq=seq,
            valid_until=now + AHEAD,
            duration=0.1,
            pose=target,
            gripper=state.gripper,
            source=Source.HUMAN,
        )
