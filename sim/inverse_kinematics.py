"""Joint positions for a tool pose: for start postures, not for control."""

from __future__ import annotations

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.numeric.rotations import pose_error
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Array


def solve(arm: ArmModel, pose: Array, start: Array) -> Array:
    """Joint positions (n,) near ``start`` (n,) [rad] that bring the tool centre point to ``pose`` (7,).

    Damped least squares, to 1e-9 m and rad; ``ConfigError`` when the pose is out of reach.
    """
    q = np.array(start, dtype=float)
    for _ in range(100):
        error = pose_error(pose, arm.forward(q))
        if np.abs(error).max() < 1e-10:
            break
        jac = arm.jacobian(q)
        step = jac.T @ np.linalg.solve(jac @ jac.T + 1e-6 * np.eye(6), error)
        q = np.clip(q + np.clip(step, -0.3, 0.3), arm.q_min, arm.q_max)
    if np.abs(pose_error(pose, arm.forward(q))).max() > 1e-9:
        raise ConfigError(f"{arm.name} cannot reach position {np.round(pose[:3], 3)}: choose a start inside its reach")
    return q
