"""A hand that is moved through space, and the arm that follows it while the clutch is held."""

from __future__ import annotations

import numpy as np

from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.core.records import Array
from robot_rl.teleop.shaping import yaw_matrix


class Follower:
    """The arm goes as the hand goes from where both were when the clutch closed.

    Args:
        scale: Way of the arm per way of the hand; turns are one to one.
        leash: Farthest that the hand may run ahead of the arm [m].
        yaw: Turn from the hand's frame to the base, about z [rad].
    """

    def __init__(self, scale: float, leash: float, yaw: float) -> None:
        self.scale, self.leash = scale, leash
        self.rotation = yaw_matrix(yaw)
        self._hand: Array | None = None
        self._arm = np.zeros(7)
        rest = np.array([0, 0, 0, 0, 0, 0, 1.0])
        self.motion(rest, rest)  # compiled or loaded now, not while she already moves
        self.release()

    def release(self) -> None:
        """The clutch opens: wherever the hand goes now, the arm stays."""
        self._hand = None

    def motion(self, hand: Array, reference: Array) -> Array:
        """Motion (6,) [m, rad] that brings the arm's ``reference`` (7,) to where the hand's pose (7,) wants it."""
        if self._hand is None:
            self._hand, self._arm = hand.copy(), reference.copy()
        moved = pose_error(hand, self._hand)
        delta = np.concatenate([self.scale * (self.rotation @ moved[:3]), self.rotation @ moved[3:]])
        ahead = pose_error(pose_add(self._arm, delta), reference)
        length = float(np.linalg.norm(ahead[:3]))
        if length > self.leash:
            slip = ahead[:3] * (1.0 - self.leash / length)
            self._arm[:3] -= slip
            ahead[:3] -= slip
        return ahead
