"""What a scene is: an arm in a start posture, its objects, and how they are scattered."""

from __future__ import annotations

from typing import Protocol

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from robot_rl.core.records import Array
from sim.appearance import dress
from sim.panda import VISUAL_GROUP, Gripper
from sim.poses import object_pose
from sim.workbench import base_spec


class Scene(Protocol):
    """Objects around the arm. Stateless: everything that changes is in MuJoCo's data."""

    name: str
    gripper: Gripper
    objects: tuple[str, ...]
    """Bodies whose poses are tracked: mocap bodies, or bodies on a free joint."""

    def arm(self) -> ArmModel:
        """The arm as its controller should know it, tool included."""
        ...

    def home(self) -> Array:
        """Start posture, (n,) [rad]."""
        ...

    def build(self, spec: mujoco.MjSpec) -> None:
        """Add tool and objects."""
        ...

    def randomise(self, model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """Scatter the objects over their start poses."""
        ...


def physics_model(scene: Scene, timestep: float) -> mujoco.MjModel:
    """The scene's model for stepping: contact shapes only, every ``timestep`` [s]."""
    spec = base_spec(timestep, scene.gripper)
    scene.build(spec)
    for geom in list(spec.geoms):
        if geom.group == VISUAL_GROUP:
            spec.delete(geom)
    return spec.compile()


def visual_model(scene: Scene) -> mujoco.MjModel:
    """The scene's model for rendering: what is seen, nothing that collides."""
    spec = base_spec(0.002, scene.gripper)
    scene.build(spec)
    dress(spec)
    return spec.compile()


def object_poses(scene: Scene, model: mujoco.MjModel, data: mujoco.MjData) -> dict[str, Array]:
    """Name -> pose (7,) of every tracked object."""
    return {name: object_pose(model, data, name) for name in scene.objects}
