"""What the tasks share: turning a robot's state into features, and an action row into a command."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controllers.numeric.rotations import pose_add, pose_error, quat_inverse, quat_multiply, quat_rotate, quat_to_rotvec
from robot_rl.core.errors import StaleDataError
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Frame, Observation, RobotState
from robot_rl.core.spec import ENVIRONMENT, IMAGES, STATE, Feature, Spec

TOOL_DOWN = np.array([1.0, 0.0, 0.0, 0.0])
"""Orientation of a tool that points straight down with its x axis forward, xyzw."""
FORCE_SCALE = 20.0
"""Forces enter observations in units of this [N]; moments in a tenth of it [N m]."""
IMAGE_SIZE = 128
ARM_FEATURES = 32


def make_spec(joints: int, environment: int, action_dim: int, cameras: tuple[str, ...], rate: float) -> Spec:
    """A spec with the arm's features, ``environment`` object features and one square image per camera."""
    features = {STATE: Feature((ARM_FEATURES - 7 + joints,)), ENVIRONMENT: Feature((environment,))}
    for camera in cameras:
        features[IMAGES + camera] = Feature((IMAGE_SIZE, IMAGE_SIZE, 3), "uint8")
    return Spec(observation=features, action_dim=action_dim, rate=rate)


def arm_features(state: RobotState) -> Array:
    """Joints, tool pose (rotation vector from ``TOOL_DOWN``), twist, wrench, spring stretch, gripper: (n + 25,)."""
    force = state.wrench * np.array([1.0, 1.0, 1.0, 10.0, 10.0, 10.0]) / FORCE_SCALE
    tilt = quat_to_rotvec(quat_multiply(state.ee_pose[3:], quat_inverse(TOOL_DOWN)))
    stretch = pose_error(state.reference, state.ee_pose)
    gripper = [state.gripper]
    return np.concatenate([state.q, state.ee_pose[:3], tilt, state.ee_twist, np.clip(force, -5, 5), stretch, gripper])


def object_pose(objects: Poses, name: str) -> Array:
    """The pose (7,) of a tracked object; ``StaleDataError`` when nobody tracks it."""
    if name not in objects:
        raise StaleDataError(f"no pose of {name!r} has arrived, only {sorted(objects)}: start its tracker or the twin")
    return objects[name]


def relative_pose(pose: Array, frame: Array) -> tuple[Array, Array]:
    """Position (3,) [m] and rotation vector (3,) [rad] of ``pose`` seen from ``frame``, both (7,) in base."""
    inverse = quat_inverse(frame[3:])
    return quat_rotate(inverse, pose[:3] - frame[:3]), quat_to_rotvec(quat_multiply(inverse, pose[3:]))


def observation(spec: Spec, state: RobotState, environment: Array, frames: Mapping[str, Frame]) -> Observation:
    """The observation of ``spec`` from its parts."""
    obs: Observation = {
        STATE: arm_features(state).astype(np.float32),
        ENVIRONMENT: np.asarray(environment, np.float32),
    }
    for camera in spec.cameras:
        obs[IMAGES + camera] = frames[camera].rgb
    return obs


def delta_command(state: RobotState, delta: Array, gripper: float, seq: int, period: float) -> Command:
    """Move the reference by ``delta`` (6,) [m, rad] in base axes within one period.

    Deltas add to the commanded reference, not to the measured pose, so that a loaded arm does not drift. The command
    stays valid for three periods, so that one late step does not stop the arm.
    """
    return Command(
        stamp=state.stamp,
        seq=seq,
        valid_until=state.stamp + 3 * period,
        duration=period,
        pose=pose_add(state.reference, delta),
        gripper=gripper,
    )


def executed_delta(before: RobotState, after: RobotState) -> Array:
    """How far the reference really went, (6,) [m, rad], base axes."""
    return pose_error(after.reference, before.reference)


def clip_action(action: NDArray) -> Array:
    """The action within [-1, 1], as float64."""
    return np.clip(np.asarray(action, np.float64), -1.0, 1.0)
