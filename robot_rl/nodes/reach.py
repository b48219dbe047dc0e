"""Where an arm can work: the places of a task's objects, and the box in which its controller lets it move."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.law.workspace import workspace_energy
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.errors import ConfigError, RobotRLError
from robot_rl.core.records import Array
from sim.inverse_kinematics import solve
from sim.scenes.registry import make_scene
from sim.scenes.scene import object_poses, physics_model

SCATTERED = 12
"""How often the objects are scattered."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What an arm reaches with its tool turned as at the start."""

    places: int
    """Places of objects that were tried."""
    missed: list[tuple[Array, str]]
    """Those where it cannot work, (3,) [m], and why."""
    margin: float
    """Least distance of a joint from its end at the others [rad]."""
    share: float
    """Share of the points of the workspace's box that it reaches."""


def reach_of(arm: ArmModel, config: ControllerConfig, task: str) -> Reach:
    """Solve for a posture at every place."""
    start = _start(arm, task)
    tool = arm.forward(start)
    places, margin, missed = object_places(task), np.inf, []
    for place in places:
        try:
            q = solve(arm, np.concatenate([place, tool[3:]]), start)
        except ConfigError:
            missed.append((place, "out of reach"))
            continue
        if not _inside(config, arm, np.concatenate([place, tool[3:]])):
            missed.append((place, "outside the workspace"))
        margin = min(margin, float(np.minimum(q - arm.q_min, arm.q_max - q).min()))
    grid = [_reaches(arm, np.concatenate([point, tool[3:]]), start) for point in _box(config)]
    return Reach(places=len(places), missed=missed, margin=margin, share=float(np.mean(grid)))


def object_places(task: str) -> list[Array]:
    """Where the task's scene puts its objects, (3,) each, seen from base [m]."""
    scene = make_scene(task)
    model = physics_model(scene, 0.002)
    data, places = mujoco.MjData(model), []
    for seed in range(SCATTERED):
        scene.randomise(model, data, np.random.default_rng(seed))
        mujoco.mj_kinematics(model, data)
        places += [pose[:3] for pose in object_poses(scene, model, data).values()]
    return places


def _start(arm: ArmModel, task: str) -> Array:
    """The scene's own start posture where the arm is the scene's, else the arm's home, (n,) [rad]."""
    scene = make_scene(task)
    return scene.home() if scene.arm().name == arm.name else arm.home


def _inside(config: ControllerConfig, arm: ArmModel, pose: Array) -> bool:
    try:
        return bool(workspace_energy(config.record(arm), pose) <= 0.0)
    except RobotRLError:
        return True  # the settings do not hold for this arm at all, which is a finding of its own


def _box(config: ControllerConfig) -> list[Array]:
    """Middle, corners and middles of the faces of the workspace's box, (3,) each [m]."""
    low, high = np.array(config.box_min), np.array(config.box_max)
    shares = [share for share in itertools.product((0.0, 0.5, 1.0), repeat=3) if share.count(0.5) != 1]
    return [low + (high - low) * np.array(share) for share in shares]


def _reaches(arm: ArmModel, pose: Array, start: Array) -> bool:
    try:
        solve(arm, pose, start)
    except ConfigError:
        return False
    return True
