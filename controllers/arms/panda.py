"""The Franka Emika Panda with its hand: the one table from which the controller and the twin are built.

Placements and limits: the manufacturer's published figures (control.md §1.6). Inertias: the identified set of
C. Gaz et al., "Dynamic identification of the Franka Emika Panda robot", RA-L 2019. Rotor inertia: the usual
0.1 kg m^2 at every joint. Friction is what is left after the robot's own compensation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from controllers.arms.arm_model import ArmModel, Link, combine_bodies
from controllers.numeric.rotations import quat_to_matrix

HALF = math.sqrt(0.5)
HOME = (0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4)
"""Home posture: tool straight down, fingers along the base's y axis [rad]."""
BASE = Link(
    name="link0",
    pos=(0.0, 0.0, 0.0),
    quat=(0.0, 0.0, 0.0, 1.0),
    mass=0.629769,
    com=(-0.041018, -0.00014, 0.049974),
    inertia=(0.00315, 0.00388, 0.004285, 8.2904e-7, 0.00015, 8.2299e-6),
)
"""The foot of the arm; it does not move."""
LINKS = (
    Link(
        name="link1",
        pos=(0.0, 0.0, 0.333),
        quat=(0.0, 0.0, 0.0, 1.0),
        mass=4.970684,
        com=(0.003875, 0.002081, -0.04762),
        inertia=(0.70337, 0.70661, 0.009117, -0.000139, 0.006772, 0.019169),
    ),
    Link(
        name="link2",
        pos=(0.0, 0.0, 0.0),
        quat=(-HALF, 0.0, 0.0, HALF),
        mass=0.646926,
        com=(-0.003141, -0.02872, 0.003495),
        inertia=(0.007962, 0.02811, 0.025995, -0.003925, 0.010254, 0.000704),
    ),
    Link(
        name="link3",
        pos=(0.0, -0.316, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=3.228604,
        com=(0.027518, 0.039252, -0.066502),
        inertia=(0.037242, 0.036155, 0.01083, -0.004761, -0.011396, -0.012805),
    ),
    Link(
        name="link4",
        pos=(0.0825, 0.0, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=3.587895,
        com=(-0.05317, 0.104419, 0.027454),
        inertia=(0.025853, 0.019552, 0.028323, 0.007796, -0.001332, 0.008641),
    ),
    Link(
        name="link5",
        pos=(-0.0825, 0.384, 0.0),
        quat=(-HALF, 0.0, 0.0, HALF),
        mass=1.225946,
        com=(-0.011953, 0.041065, -0.038437),
        inertia=(0.035549, 0.029474, 0.008627, -0.002117, -0.004037, 0.000229),
    ),
    Link(
        name="link6",
        pos=(0.0, 0.0, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=1.666555,
        com=(0.060149, -0.014117, -0.010517),
        inertia=(0.001964, 0.004354, 0.005433, 0.000109, -0.001158, 0.000341),
    ),
    Link(
        name="link7",
        pos=(0.088, 0.0, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=0.735522,
        com=(0.010517, -0.004252, 0.061597),
        inertia=(0.012516, 0.010027, 0.004815, -0.000428, -0.001196, -0.000741),
    ),
)
"""The seven moving links, each turning about its own z axis."""
HAND = Link(
    name="hand",
    pos=(0.0, 0.0, 0.107),
    quat=(0.0, 0.0, -math.sin(math.pi / 8), math.cos(math.pi / 8)),
    mass=0.73,
    com=(-0.01, 0.0, 0.03),
    inertia=(0.001, 0.0025, 0.0017, 0.0, 0.0, 0.0),
)
"""The hand, fixed on link7's flange; its z axis points out of the fingers, they open along its y axis."""
FINGER = Link(
    name="finger",
    pos=(0.0, 0.0, 0.0584),
    quat=(0.0, 0.0, 0.0, 1.0),
    mass=0.015,
    com=(0.0, 0.0, 0.0),
    inertia=(2.375e-6, 2.375e-6, 7.5e-7, 0.0, 0.0, 0.0),
)
"""One of the two equal fingers, in the hand's frame, closed; the other is turned by 180 degrees about z."""
FINGER_TRAVEL = 0.04
"""How far each finger opens [m]."""
TCP = (0.0, 0.0, 0.1034, 0.0, 0.0, 0.0, 1.0)
"""Tool centre point in the hand's frame: between the finger tips."""
ARMATURE = 0.1
JOINT_DAMPING = 0.5
Q_MIN = (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)
Q_MAX = (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)
DQ_MAX = (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61)
TAU_MAX = (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
DTAU_MAX = 1000.0


def panda() -> ArmModel:
    """The Panda (7 joints) with its hand, fingers closed, in SI units; hand and fingers are part of the last link."""
    return with_hand(bare_arm("panda", LINKS))


def bare_arm(name: str, links: Sequence[Link]) -> ArmModel:
    """An arm of these seven links, base first, without a hand; limits (7,) [rad, rad/s, N m] are a Panda's."""
    return ArmModel(
        name=name,
        joint_pos=np.array([link.pos for link in links]),
        joint_quat=np.array([link.quat for link in links]),
        axes=np.array([link.axis for link in links]),
        masses=np.array([link.mass for link in links]),
        coms=np.array([link.com for link in links]),
        inertias=np.array([link.inertia_matrix for link in links]),
        armature=np.full(7, ARMATURE),
        joint_damping=np.full(7, JOINT_DAMPING),
        mount=np.array([*HAND.pos, *HAND.quat]),
        tcp=np.array(TCP),
        q_min=np.array(Q_MIN),
        q_max=np.array(Q_MAX),
        dq_max=np.array(DQ_MAX),
        tau_max=np.array(TAU_MAX),
        dtau_max=np.full(7, DTAU_MAX),
        home=np.array(HOME),
    )


def with_hand(bare: ArmModel) -> ArmModel:
    """``bare`` with the hand (mass [kg], inertia [kg m^2]) at its flange, fingers closed, rigidly held."""
    body = (HAND.mass, np.array(HAND.com), HAND.inertia_matrix)
    for turn in ((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 0.0)):
        rot = quat_to_matrix(np.array(turn))
        finger = (FINGER.mass, np.array(FINGER.pos) + rot @ np.array(FINGER.com), rot @ FINGER.inertia_matrix @ rot.T)
        body = combine_bodies(body, finger)
    return bare.with_tool(*body, tcp=np.array(TCP))
