"""The Panda as MuJoCo bodies, built from the controller's own tables: one source for kinematics and inertia."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from controllers.arms import panda as tables
from controllers.arms.arm_model import Link
from robot_rl.core.records import Array
from sim.poses import to_wxyz

ARM_CONTACT = 2
"""Contact type of the arm: it touches what lists this bit in ``conaffinity``, never itself."""
WORLD_AFFINITY = 3
"""What tables and objects list: themselves and the arm."""
VISUAL_GROUP = 2
COLLISION_GROUP = 3
FINGER_KP = 1500.0
"""Stiffness of a finger's position servo [N/m]."""
FINGER_DAMPING = 250.0
"""Friction of a finger's drive; with the force limit it gives the hand's speed, 0.14 m/s per finger [N s/m]."""
FINGER_FORCE = 35.0
"""Largest force of one finger; the hand grips with up to 70 N [N]."""
FINGER_ARMATURE = 0.1
"""Inertia of the finger's drive [kg]."""

OPENING_MAX = 0.08
"""Widest opening of the hand [m]."""

CAPSULES = {
    "link3": ((0.0, 0.0, -0.09), (0.0, 0.0, 0.0), 0.06),
    "link4": ((-0.0825, 0.02, 0.0), (-0.0825, 0.11, 0.0), 0.06),
    "link5": ((0.0, 0.0, -0.22), (0.0, 0.05, -0.04), 0.06),
    "link6": ((0.0, 0.0, -0.02), (0.088, 0.02, 0.0), 0.055),
    "link7": ((0.0, 0.0, 0.06), (0.0, 0.0, 0.09), 0.045),
    "hand": ((0.0, -0.075, 0.03), (0.0, 0.075, 0.03), 0.03),
}
"""Collision capsules: ends in the link's frame and radius [m]."""


@dataclass(frozen=True, kw_only=True)
class Gripper:
    """How the fingers are."""

    driven: bool
    """False: fixed at ``opening``, as when they hold a tool; saves the physics of two joints."""
    opening: float
    """Distance between the fingers at the start [m]."""


def add_panda(spec: mujoco.MjSpec, gripper: Gripper) -> None:
    """Add the arm to ``spec``: bodies link0 ... link7, hand, left_finger, right_finger, and their contact shapes.

    Joints carry no actuator (torques come by ``qfrc_applied``); every body is gravity-compensated, as on the
    real arm. Driven fingers come with one position actuator each and are coupled like the hand's own.
    """
    parent = _add_link(spec.worldbody, tables.BASE)
    for i, link in enumerate(tables.LINKS):
        parent = _add_link(parent, link)
        joint = parent.add_joint(name=f"joint{i + 1}", type=mujoco.mjtJoint.mjJNT_HINGE, axis=link.axis)
        joint.range = [tables.Q_MIN[i], tables.Q_MAX[i]]
        joint.limited = mujoco.mjtLimited.mjLIMITED_TRUE
        joint.armature, joint.damping = tables.ARMATURE, [tables.JOINT_DAMPING, 0.0, 0.0]
    hand = _add_link(parent, tables.HAND)
    for name, turn in (("left_finger", 0.0), ("right_finger", np.pi)):
        _add_finger(spec, hand, name, turn, gripper)
    if gripper.driven:
        couple = spec.add_equality(name="fingers", type=mujoco.mjtEq.mjEQ_JOINT)
        couple.objtype = mujoco.mjtObj.mjOBJ_JOINT
        couple.name1, couple.name2 = "left_finger", "right_finger"
        couple.data[:5] = [0.0, 1.0, 0.0, 0.0, 0.0]
        couple.solref = [0.005, 1.0]


def set_inertia(body: mujoco.MjsBody, mass: float, com: Array, inertia: Array) -> None:
    """Mass [kg], centre of mass (3,) [m] and inertia about it (3, 3) [kg m^2], in the body's axes."""
    body.explicitinertial = True
    body.mass, body.ipos = mass, com
    body.fullinertia = [*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2]]
    body.gravcomp = 1.0


def arm_geom(body: mujoco.MjsBody, kind: mujoco.mjtGeom, size: list[float]) -> mujoco.MjsGeom:
    """A massless contact shape of the arm, without place yet."""
    geom = body.add_geom(type=kind, size=size, contype=ARM_CONTACT, conaffinity=0, group=COLLISION_GROUP, mass=0.0)
    geom.rgba = [0.9, 0.5, 0.2, 0.4]
    return geom


def _add_link(parent: mujoco.MjsBody, link: Link) -> mujoco.MjsBody:
    body = parent.add_body(name=link.name, pos=link.pos, quat=to_wxyz(np.array(link.quat)))
    set_inertia(body, link.mass, np.array(link.com), link.inertia_matrix)
    if link.name in CAPSULES:
        start, end, radius = CAPSULES[link.name]
        arm_geom(body, mujoco.mjtGeom.mjGEOM_CAPSULE, [radius, 0.0, 0.0]).fromto = [*start, *end]
    return body


def _add_finger(spec: mujoco.MjSpec, hand: mujoco.MjsBody, name: str, turn: float, gripper: Gripper) -> None:
    quat = [np.cos(turn / 2), 0.0, 0.0, np.sin(turn / 2)]
    shift = 0.0 if gripper.driven else np.cos(turn) * gripper.opening / 2
    finger = hand.add_body(name=name, pos=[0.0, shift, tables.FINGER.pos[2]], quat=quat)
    set_inertia(finger, tables.FINGER.mass, np.array(tables.FINGER.com), tables.FINGER.inertia_matrix)
    pad = arm_geom(finger, mujoco.mjtGeom.mjGEOM_BOX, [0.0085, 0.004, 0.0085])
    pad.pos, pad.friction, pad.condim, pad.priority = [0.0, 0.004, 0.0445], [1.0, 0.01, 0.0001], 4, 1
    pad.solref, pad.solimp = [0.004, 1.0], [0.95, 0.99, 0.001, 0.5, 2.0]
    arm_geom(finger, mujoco.mjtGeom.mjGEOM_BOX, [0.01, 0.008, 0.015]).pos = [0.0, 0.014, 0.015]
    if not gripper.driven:
        return
    joint = finger.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0.0, 1.0, 0.0])
    joint.range, joint.limited = [0.0, tables.FINGER_TRAVEL], mujoco.mjtLimited.mjLIMITED_TRUE
    joint.armature, joint.damping = FINGER_ARMATURE, [FINGER_DAMPING, 0.0, 0.0]
    servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=FINGER_KP)
    servo.forcelimited, servo.forcerange = mujoco.mjtLimited.mjLIMITED_TRUE, [-FINGER_FORCE, FINGER_FORCE]
