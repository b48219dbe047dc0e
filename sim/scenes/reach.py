"""Bring the tool to a point in the air."""

from __future__ import annotations

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import HOME, panda
from robot_rl.core.records import Array
from sim.inverse_kinematics import solve
from sim.panda import Gripper
from sim.poses import place_object
from sim.workbench import visual

HOME_POSE = np.array([0.45, 0.0, 0.28, 1.0, 0.0, 0.0, 0.0])
"""Tool centre point at the start."""
SPREAD = 0.11
"""Targets lie in a cube of this half edge around the start, so within 20 cm [m]."""


class ReachScene:
    """A floating target, nothing to touch but the table."""

    name = "reach"
    gripper = Gripper(driven=False, opening=0.0)
    objects = ("target",)

    def arm(self) -> ArmModel:
        """The Panda with its hand."""
        return panda()

    def home(self) -> Array:
        """Tool 28 cm above the table."""
        return solve(self.arm(), HOME_POSE, np.array(HOME))

    def build(self, spec: mujoco.MjSpec) -> None:
        """A ball that marks the target."""
        spec.option.gravity = [0.0, 0.0, 0.0]  # everything that moves is gravity-compensated: saves computing it
        spec.camera("front").pos = [1.14, 0.37, 0.56]  # targets float higher than parts on a table
        target = spec.worldbody.add_body(name="target", mocap=True, pos=HOME_POSE[:3])
        visual(target, "sphere", (0.02,), "goal")

    def randomise(self, model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """A target uniform in its cube."""
        position = HOME_POSE[:3] + rng.uniform(-SPREAD, SPREAD, 3)
        place_object(model, data, "target", np.array([*position, 0.0, 0.0, 0.0, 1.0]))
