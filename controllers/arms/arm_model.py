"""A serial arm with revolute joints: where its joints are, what its links weigh, and what it can stand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from controllers.arms.kinematics import jacobian_into, link_frames, mass_matrix_into, model_dtype
from controllers.numeric.rotations import pose_multiply, quat_to_matrix
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Array


@dataclass(frozen=True, kw_only=True)
class Link:
    """A rigid body and the joint that carries it."""

    name: str
    pos: tuple[float, float, float]
    """Origin of the link's frame, seen from its parent link [m]."""
    quat: tuple[float, float, float, float]
    """Orientation of the link's frame at joint position 0, seen from its parent link, xyzw."""
    mass: float
    """[kg]"""
    com: tuple[float, float, float]
    """Centre of mass in the link's frame [m]."""
    inertia: tuple[float, float, float, float, float, float]
    """xx yy zz xy xz yz about the centre of mass, link's axes [kg m^2]."""
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """Joint axis in the link's frame."""

    @property
    def inertia_matrix(self) -> Array:
        """The inertia about the centre of mass, (3, 3) [kg m^2]."""
        xx, yy, zz, xy, xz, yz = self.inertia
        return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


@dataclass(frozen=True, kw_only=True)
class ArmModel:
    """Kinematics, inertia and limits of an arm with n joints; everything rigidly held is part of its last link."""

    name: str
    joint_pos: Array
    """Origin of link i seen from link i-1, (n, 3) [m]."""
    joint_quat: Array
    """Orientation of link i at q = 0 seen from link i-1, (n, 4) xyzw."""
    axes: Array
    """Joint axes in the links' frames, (n, 3), unit length."""
    masses: Array
    """(n,) [kg]"""
    coms: Array
    """Centres of mass in the links' frames, (n, 3) [m]."""
    inertias: Array
    """About the centres of mass, links' axes, (n, 3, 3) [kg m^2]."""
    armature: Array
    """Rotor inertia seen at the joints, (n,) [kg m^2]."""
    joint_damping: Array
    """Viscous friction, (n,) [N m s/rad]."""
    mount: Array
    """Pose (7,) of the tool's mounting frame in the last link (the hand's frame on a Panda)."""
    tcp: Array
    """Pose (7,) of the tool centre point in the mounting frame."""
    q_min: Array
    """(n,) [rad]"""
    q_max: Array
    """(n,) [rad]"""
    dq_max: Array
    """(n,) [rad/s]"""
    tau_max: Array
    """(n,) [N m]"""
    dtau_max: Array
    """Largest torque rate the hardware accepts, (n,) [N m/s]."""
    home: Array
    """A comfortable posture, (n,) [rad]."""
    dq_curve: Array | None = None
    """Where speed limits depend on position: offset [rad/s], deceleration [rad/s^2] and the two ends of the range [rad]
    of every joint, (n, 4); see ``limits.speed_limits``."""

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.masses)

    def with_tool(self, mass: float, com: Array, inertia: Array, tcp: Array) -> ArmModel:
        """The arm holding something rigidly.

        Args:
            mass: Its mass [kg].
            com: Its centre of mass in the mounting frame, (3,) [m].
            inertia: About its centre of mass, mounting frame's axes, (3, 3) [kg m^2].
            tcp: The new tool centre point, pose (7,) in the mounting frame.
        """
        rot = quat_to_matrix(self.mount[3:])
        centre = rot @ np.asarray(com, dtype=float) + self.mount[:3]
        moment = rot @ np.asarray(inertia, dtype=float) @ rot.T
        body = combine_bodies((self.masses[-1], self.coms[-1], self.inertias[-1]), (mass, centre, moment))
        masses, coms, inertias = self.masses.copy(), self.coms.copy(), self.inertias.copy()
        masses[-1], coms[-1], inertias[-1] = body
        return replace(self, masses=masses, coms=coms, inertias=inertias, tcp=np.array(tcp, dtype=float))

    def record(self) -> np.void:
        """What the kernels read: a scalar of ``model_dtype(n)`` in SI units, each joint in a frame whose z axis is its
        own."""
        rec = np.zeros((), model_dtype(self.n))[()]
        align = np.array([_rotation_to(axis) for axis in self.axes])
        before = np.eye(3)
        for i in range(self.n):
            rec["placement_pos"][i] = before.T @ self.joint_pos[i]
            rec["placement_rot"][i] = before.T @ quat_to_matrix(self.joint_quat[i]) @ align[i]
            rec["com"][i] = align[i].T @ self.coms[i]
            rec["inertia"][i] = align[i].T @ self.inertias[i] @ align[i]
            before = align[i]
        tcp = pose_multiply(self.mount, self.tcp)
        rec["tcp_pos"] = before.T @ tcp[:3]
        rec["tcp_rot"] = before.T @ quat_to_matrix(tcp[3:])
        for name in ("armature", "joint_damping", "q_min", "q_max", "dq_max", "tau_max", "dtau_max"):
            rec[name] = getattr(self, name)
        rec["mass"] = self.masses
        if self.dq_curve is not None:
            rec["dq_curve"] = self.dq_curve
        return rec

    def forward(self, q: Array) -> Array:
        """Pose (7,) of the tool centre point at ``q`` (n,) [rad]."""
        return self.frames(q)[2]

    def jacobian(self, q: Array) -> Array:
        """Geometric Jacobian of the tool centre point, (6, n), base axes, linear rows first."""
        rot, pos, ee_pose = self.frames(q)
        out = np.zeros((6, self.n))
        jacobian_into(rot, pos, ee_pose, out)
        return out

    def mass_matrix(self, q: Array) -> Array:
        """Joint-space inertia with armature, (n, n) [kg m^2]."""
        rot, pos, _ = self.frames(q)
        out = np.zeros((self.n, self.n))
        mass_matrix_into(self.record(), rot, pos, np.zeros(10), out)
        return out

    def frames(self, q: Array) -> tuple[Array, Array, Array]:
        """Rotations (n, 3, 3) and origins (n, 3) of all links as the kernels see them, and the tool's pose (7,)."""
        q = np.ascontiguousarray(q, dtype=float)
        if q.shape != (self.n,):
            raise ConfigError(f"{self.name} has {self.n} joints, got positions of shape {q.shape}: check the station")
        rot, pos, ee_pose = np.zeros((self.n, 3, 3)), np.zeros((self.n, 3)), np.zeros(7)
        link_frames(self.record(), q, rot, pos, ee_pose, np.zeros((3, 3)))
        return rot, pos, ee_pose


def combine_bodies(a: tuple[float, Array, Array], b: tuple[float, Array, Array]) -> tuple[float, Array, Array]:
    """Two bodies (mass, centre of mass (3,), inertia about it (3, 3)) in one frame, rigidly joined."""
    mass = a[0] + b[0]
    com = (a[0] * a[1] + b[0] * b[1]) / mass
    inertia = np.zeros((3, 3))
    for part_mass, part_com, part_inertia in (a, b):
        d = part_com - com
        inertia += part_inertia + part_mass * (d @ d * np.eye(3) - np.outer(d, d))
    return mass, com, inertia


def _rotation_to(axis: Array) -> Array:
    """A rotation matrix whose third column is ``axis``; the identity for z itself."""
    axis = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    if axis[2] > 1.0 - 1e-12:
        return np.eye(3)
    helper = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    x = np.cross(helper, axis)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(axis, x), axis], axis=1)
