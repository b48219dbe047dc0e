"""The arm that a robot follows which takes only velocities."""

from __future__ import annotations

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.law.state import state_dtype
from controllers.law.tick import measure
from robot_rl.core.records import Array


class VirtualArm:
    """The arm that the controller moves when the robot takes only velocities: rigid, with friction, in free space."""

    def __init__(self, arm: ArmModel, damping: float) -> None:
        self.arm, self.damping = arm, damping
        self.q, self.dq = np.zeros(arm.n), np.zeros(arm.n)
        self._model, self._state = arm.record(), np.zeros((), state_dtype(arm.n))[()]

    def start(self, q: Array) -> None:
        """Be at ``q`` (n,) [rad], at rest."""
        self.q[:], self.dq[:] = q, 0.0

    def step(self, tau: Array, period: float) -> None:
        """One period under the torque ``tau`` (n,) [N m]: velocity first, then position with the new velocity, so that
        the work over the period is exactly tau . (q_after - q_before)."""
        measure(self._model, self._state, self.q, self.dq)
        inertia = self._state["mass"] + period * self.damping * np.eye(self.arm.n)
        self.dq += period * np.linalg.solve(inertia, tau - self.damping * self.dq)
        np.clip(self.dq, -self.arm.dq_max, self.arm.dq_max, out=self.dq)
        self.q += period * self.dq
