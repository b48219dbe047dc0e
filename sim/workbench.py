"""What every scene shares: physics options, the table, two cameras, the lights."""

from __future__ import annotations

import mujoco
import numpy as np

from controllers.numeric.rotations import matrix_to_quat
from robot_rl.core.records import Array
from sim.panda import COLLISION_GROUP, VISUAL_GROUP, WORLD_AFFINITY, Gripper, add_panda
from sim.poses import to_wxyz

CAMERAS = ("front", "wrist")
"""Cameras that every scene has."""
MATERIALS = {
    "shell": ((0.93, 0.94, 0.95), 0.35),
    "joint": ((0.24, 0.26, 0.29), 0.3),
    "metal": ((0.62, 0.64, 0.67), 0.6),
    "accent": ((0.05, 0.55, 0.75), 0.3),
    "table": ((0.74, 0.66, 0.55), 0.05),
    "table_edge": ((0.58, 0.49, 0.38), 0.05),
    "mat": ((0.30, 0.33, 0.36), 0.0),
    "mat_line": ((0.42, 0.45, 0.48), 0.0),
    "floor": ((0.42, 0.45, 0.49), 0.0),
    "part": ((0.16, 0.34, 0.58), 0.25),
    "part_dark": ((0.08, 0.10, 0.14), 0.0),
    "peg": ((0.93, 0.58, 0.14), 0.3),
    "cube": ((0.78, 0.20, 0.24), 0.2),
    "goal": ((0.20, 0.75, 0.40), 0.2),
}
"""Name -> colour and specular share."""


def base_spec(timestep: float, gripper: Gripper) -> mujoco.MjSpec:
    """A spec with options, materials, table, lights, arm and cameras; scenes add their objects.

    Args:
        timestep: Physics step [s]; the controller ticks once per step.
        gripper: How the fingers are.
    """
    spec = mujoco.MjSpec()
    spec.option.timestep = timestep
    spec.option.iterations, spec.option.ls_iterations = 30, 20
    spec.compiler.degree = False
    for name, (rgb, specular) in MATERIALS.items():
        spec.add_material(name=name, rgba=[*rgb, 1.0], specular=specular, shininess=0.5, reflectance=0.0)
    _add_room(spec)
    add_panda(spec, gripper)
    _add_cameras(spec)
    return spec


def look_at(eye: Array, target: Array, up: Array) -> Array:
    """Orientation (4,) xyzw of a camera at ``eye`` that sees ``target`` in its middle and ``up`` upwards, all (3,)."""
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    return matrix_to_quat(np.stack([right, np.cross(back, right), back], axis=1))


def visual(body: mujoco.MjsBody, kind: str, size: tuple[float, ...], material: str) -> mujoco.MjsGeom:
    """A shape that is only seen; its place is for the caller to set.

    Args:
        body: The body that carries it.
        kind: ``box``, ``capsule``, ``cylinder``, ``sphere``, ``ellipsoid`` or ``plane``.
        size: Half lengths or radius [m].
        material: One of ``MATERIALS``.
    """
    number = getattr(mujoco.mjtGeom, f"mjGEOM_{kind.upper()}")
    full = [*size, 0.0, 0.0][:3]
    return body.add_geom(
        type=number, size=full, material=material, contype=0, conaffinity=0, group=VISUAL_GROUP, mass=0.0
    )


def _add_room(spec: mujoco.MjSpec) -> None:
    world = spec.worldbody
    plane = world.add_geom(name="table", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2.0, 2.0, 0.1], group=COLLISION_GROUP)
    plane.contype, plane.conaffinity = 1, WORLD_AFFINITY
    visual(world, "box", (0.55, 0.65, 0.015), "table").pos = [0.33, 0.0, -0.015]
    visual(world, "box", (0.53, 0.63, 0.03), "table_edge").pos = [0.33, 0.0, -0.06]
    visual(world, "box", (0.20, 0.26, 0.0004), "mat").pos = [0.45, 0.0, 0.0]
    visual(world, "box", (0.002, 0.26, 0.0005), "mat_line").pos = [0.45, 0.0, 0.0]
    visual(world, "box", (0.20, 0.002, 0.0005), "mat_line").pos = [0.45, 0.0, 0.0]
    visual(world, "plane", (4.0, 4.0, 0.1), "floor").pos = [0.0, 0.0, -0.75]
    sun = world.add_light(name="sun", pos=[0.6, -0.8, 2.0], dir=[-0.25, 0.45, -1.0])
    sun.type, sun.castshadow = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, False
    sun.diffuse, sun.specular = [0.56, 0.55, 0.52], [0.35, 0.35, 0.35]
    spec.visual.headlight.ambient = [0.36, 0.36, 0.38]
    spec.visual.headlight.diffuse = [0.22, 0.22, 0.22]
    spec.visual.headlight.specular = [0.05, 0.05, 0.05]
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 0, 0
    spec.visual.quality.numslices, spec.visual.quality.numstacks, spec.visual.quality.numquads = 20, 10, 1
    spec.visual.map.znear, spec.visual.map.zfar = 0.01, 10.0
    spec.stat.extent, spec.stat.center = 1.0, [0.4, 0.0, 0.2]
    sky = spec.add_texture(name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, width=16, height=96)
    sky.builtin = mujoco.mjtBuiltin.mjBUILTIN_GRADIENT
    sky.rgb1, sky.rgb2 = [0.62, 0.68, 0.75], [0.30, 0.33, 0.38]


def _add_cameras(spec: mujoco.MjSpec) -> None:
    eye, target, up = np.array([0.96, 0.31, 0.42]), np.array([0.44, 0.0, 0.15]), np.array([0.0, 0.0, 1.0])
    spec.worldbody.add_camera(name="front", pos=eye, quat=to_wxyz(look_at(eye, target, up)), fovy=44.0)
    eye, target, up = np.array([0.07, 0.0, 0.03]), np.array([0.022, 0.0, 0.16]), np.array([1.0, 0.0, 0.0])
    spec.body("hand").add_camera(name="wrist", pos=eye, quat=to_wxyz(look_at(eye, target, up)), fovy=66.0)
