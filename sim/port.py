"""The twin as the real-time loop's compiled code sees it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from controllers.loop.plant import PlantPort
from sim.native import address_of
from sim.panda import OPENING_MAX
from sim.poses import pose_addresses
from sim.scenes.scene import Scene


def port_of(scene: Scene, model: mujoco.MjModel, data: mujoco.MjData, n: int) -> PlantPort:
    """Views into a simulation, valid as long as it lives; its fingers are the two actuators of the hand."""
    gripper = scene.gripper
    driven = 2 if gripper.driven else 0
    return PlantPort(
        q=data.qpos[:n],
        dq=data.qvel[:n],
        tau_external=data.qfrc_constraint[:n],
        applied=data.qfrc_applied[:n],
        fingers=data.ctrl[:driven],
        finger_q=data.qpos[n : n + driven],
        gripper=np.array([gripper.opening, OPENING_MAX]),
        objects=_objects(model, data, scene.objects),
        step=address_of("mj_step"),
        model=model._address,
        data=data._address,
    )


def _objects(model: mujoco.MjModel, data: mujoco.MjData, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Address of every number of every object's pose, (k, 7)."""
    return np.array([pose_addresses(model, data, name) for name in names], np.int64).reshape(-1, 7)
