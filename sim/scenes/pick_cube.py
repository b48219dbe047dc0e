"""A cube on the table: the figures of gym-hil's PandaPickCube, so that both can be compared."""

from __future__ import annotations

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import HOME, panda
from robot_rl.core.records import Array
from sim.inverse_kinematics import solve
from sim.panda import WORLD_AFFINITY, Gripper
from sim.poses import place_object
from sim.workbench import visual

HOME_POSE = np.array([0.4, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0])
"""Tool centre point at the start."""
HALF = 0.02
"""Half the cube's edge [m]."""
MASS = 0.1
"""[kg]"""
BOUNDS = np.array([[0.3, -0.15], [0.5, 0.15]])
"""Where the cube starts, x and y [m]."""


class PickCubeScene:
    """A 4 cm cube of 100 g, driven fingers."""

    name = "pick_cube"
    gripper = Gripper(driven=True, opening=0.08)
    objects = ("cube",)

    def arm(self) -> ArmModel:
        """The Panda with its hand."""
        return panda()

    def home(self) -> Array:
        """Tool 20 cm above the middle of the cube's places."""
        return solve(self.arm(), HOME_POSE, np.array(HOME))

    def build(self, spec: mujoco.MjSpec) -> None:
        """The cube, on a free joint."""
        spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10.0
        cube = spec.worldbody.add_body(name="cube", pos=[0.4, 0.0, HALF])
        cube.add_freejoint(name="cube")
        box = cube.add_geom(name="cube", type=mujoco.mjtGeom.mjGEOM_BOX, size=[HALF] * 3, mass=MASS, group=3)
        box.contype, box.conaffinity, box.friction = 1, WORLD_AFFINITY, [0.8, 0.01, 0.0001]
        visual(cube, "box", (HALF, HALF, HALF), "cube")

    def randomise(self, model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """The cube uniform in its bounds, square to the table's edges as in gym-hil."""
        position = rng.uniform(BOUNDS[0], BOUNDS[1])
        place_object(model, data, "cube", np.array([*position, HALF, 0.0, 0.0, 0.0, 1.0]))
