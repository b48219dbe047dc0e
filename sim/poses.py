"""MuJoCo's quaternions are wxyz, ours are xyzw: the only place where one becomes the other."""

from __future__ import annotations

import mujoco
import numpy as np

from robot_rl.core.records import Array


def to_wxyz(quat: Array) -> Array:
    """Our quaternion (4,) xyzw in MuJoCo's order."""
    return np.array([quat[3], quat[0], quat[1], quat[2]])


def to_xyzw(quat: Array) -> Array:
    """MuJoCo's quaternion (4,) wxyz in our order."""
    return np.array([quat[1], quat[2], quat[3], quat[0]])


def yaw_quat(yaw: float) -> Array:
    """Rotation by ``yaw`` [rad] about z, (4,) xyzw."""
    return np.array([0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)])


def object_pose(model: mujoco.MjModel, data: mujoco.MjData, name: str) -> Array:
    """Pose (7,) of a mocap body or of a body on a free joint, at the present ``qpos``."""
    part, start = _storage(model, name)
    if start < 0:
        return np.concatenate([data.mocap_pos[part], to_xyzw(data.mocap_quat[part])])
    return np.concatenate([data.qpos[start : start + 3], to_xyzw(data.qpos[start + 3 : start + 7])])


def pose_addresses(model: mujoco.MjModel, data: mujoco.MjData, name: str) -> list[int]:
    """Where in memory each number of ``object_pose`` stands, in our order."""
    part, start = _storage(model, name)
    if start < 0:
        position, quat = data.mocap_pos[part], data.mocap_quat[part]
    else:
        position, quat = data.qpos[start : start + 3], data.qpos[start + 3 : start + 7]
    return [position.ctypes.data + 8 * i for i in range(3)] + [quat.ctypes.data + 8 * i for i in (1, 2, 3, 0)]


def place_object(model: mujoco.MjModel, data: mujoco.MjData, name: str, pose: Array) -> None:
    """Put a mocap body, or a body on a free joint, at ``pose`` (7,); its velocity stays."""
    part, start = _storage(model, name)
    if start < 0:
        data.mocap_pos[part], data.mocap_quat[part] = pose[:3], to_wxyz(pose[3:])
    else:
        data.qpos[start : start + 3], data.qpos[start + 3 : start + 7] = pose[:3], to_wxyz(pose[3:])


def _storage(model: mujoco.MjModel, name: str) -> tuple[int, int]:
    """Mocap number, and first entry in ``qpos`` or -1."""
    body = model.body(name).id
    mocap = int(model.body_mocapid[body])
    if mocap >= 0:
        return mocap, -1
    return -1, int(model.jnt_qposadr[model.body_jntadr[body]])
