"""Images of a scene from joint positions and object poses alone: for a twin, or for a camera's own process."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Mapping, Sequence

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import RobotRLError
from robot_rl.core.names import check_name
from robot_rl.core.records import Array
from sim.gl import make_context
from sim.panda import COLLISION_GROUP, VISUAL_GROUP
from sim.poses import place_object
from sim.scenes.registry import make_scene
from sim.scenes.scene import visual_model

SAMPLES = 2
"""Images are drawn this many times larger each way, then averaged: smooth edges, cheaper than multisampling."""


class SceneRenderer:
    """Draws ``scene`` with its own model and its own GL context; use it from one thread.

    Args:
        scene: Name of the scene.
        cameras: Cameras that will be asked for; a wrong name is found at once.
        size: Width and height of the images [pixels].
    """

    def __init__(self, scene: str, cameras: Sequence[str], size: tuple[int, int] = (128, 128)) -> None:
        self.scene = make_scene(scene)
        self.model = visual_model(self.scene)
        self.data = mujoco.MjData(self.model)
        names = [self.model.camera(i).name for i in range(self.model.ncam)]
        self.cameras = {name: self.model.camera(check_name("camera", name, names)).id for name in cameras}
        self.size = size
        self.home = self.scene.home()
        width, height = size[0] * SAMPLES, size[1] * SAMPLES
        self.model.vis.global_.offwidth, self.model.vis.global_.offheight = width, height
        self.rect = mujoco.MjrRect(0, 0, width, height)
        self.buffer = np.empty((height, width, 3), np.uint8)
        self.gl = make_context(width, height)
        self.context = mujoco.MjrContext(self.model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self.context)
        self.drawn = mujoco.MjvScene(self.model, maxgeom=200)
        self.drawn.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self.drawn.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self.option = mujoco.MjvOption()
        self.option.geomgroup[VISUAL_GROUP], self.option.geomgroup[COLLISION_GROUP] = 1, 0
        self.view = mujoco.MjvCamera()
        self.view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        atexit.register(_close, weakref.ref(self))  # before GL itself is torn down

    def render(self, q: Array, gripper: float, objects: Mapping[str, Array], camera: str) -> NDArray[np.uint8]:
        """One image.

        Args:
            q: Joint positions (n,) [rad].
            gripper: Opening between the fingers [m].
            objects: Poses (7,) of the objects; those not named stay where they were.
            camera: One of ``cameras``.

        Returns:
            The image (H, W, 3).
        """
        self._place(q, gripper, objects)
        self.view.fixedcamid = self.cameras[camera]
        if self.gl is None:
            raise RobotRLError("this renderer is closed: make a new one")
        self.gl.make_current()
        mujoco.mjv_updateScene(
            self.model, self.data, self.option, None, self.view, mujoco.mjtCatBit.mjCAT_ALL, self.drawn
        )
        mujoco.mjr_render(self.rect, self.drawn, self.context)
        mujoco.mjr_readPixels(self.buffer, None, self.rect, self.context)
        return cv2.resize(self.buffer[::-1], self.size, interpolation=cv2.INTER_AREA)

    def close(self) -> None:
        """Free the GL context."""
        if self.gl is not None:
            self.gl.make_current()
            self.context.free()
            self.gl.free()
            self.gl = None

    def _place(self, q: Array, gripper: float, objects: Mapping[str, Array]) -> None:
        self.data.qpos[: len(q)] = q
        if self.scene.gripper.driven:
            self.data.qpos[len(q) : len(q) + 2] = gripper / 2
        for name in self.scene.objects:
            if name in objects:
                place_object(self.model, self.data, name, objects[name])
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)


def _close(reference: weakref.ref[SceneRenderer]) -> None:
    renderer = reference()
    if renderer is not None:
        renderer.close()
