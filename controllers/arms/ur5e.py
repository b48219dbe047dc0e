"""The Universal Robots UR5e, without a tool: placements, inertias and limits as the manufacturer publishes them.

The base frame is the one of the robot's controller ("base"), in which it reports its poses and wrenches: at joint
positions 0 the arm is stretched out along -x. Rotor inertia and torque rate are not published: the usual 0.1 kg m^2,
and the rate of a Panda. Its harmonic drives have much friction; what the robot's own compensation leaves is not known.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.arms.arm_model import ArmModel, Link
from controllers.numeric.rotations import quat_to_matrix

HALF = math.sqrt(0.5)
HOME = (0.0, -math.pi / 2, -math.pi / 2, -math.pi / 2, math.pi / 2, 0.0)
"""Tool straight down in front of the base, on its +x side, elbow up [rad]."""
LINKS = (
    Link(
        name="shoulder",
        pos=(0.0, 0.0, 0.1625),
        quat=(0.0, 0.0, 0.0, 1.0),
        mass=3.761,
        com=(0.0, -0.00193, -0.02561),
        inertia=(0.0070021, 0.00648091, 0.00657286, 7.3e-7, -1.053e-5, 0.00049994),
    ),
    Link(
        name="upper_arm",
        pos=(0.0, 0.0, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=8.058,
        com=(-0.2125, 0.0, 0.11336),
        inertia=(0.01505885, 0.33388086, 0.33247207, -5.4e-5, 5.63e-6, -1.81e-6),
    ),
    Link(
        name="forearm",
        pos=(-0.425, 0.0, 0.0),
        quat=(0.0, 0.0, 0.0, 1.0),
        mass=2.846,
        com=(-0.2422, 0.0, 0.0265),
        inertia=(0.00399632, 0.07879254, 0.0784851, -1.365e-5, 0.00137272, -6.6e-6),
    ),
    Link(
        name="wrist_1",
        pos=(-0.3922, 0.0, 0.1333),
        quat=(0.0, 0.0, 0.0, 1.0),
        mass=1.37,
        com=(0.0, -0.01634, -0.0018),
        inertia=(0.00165491, 0.00135962, 0.00126279, -2.82e-6, -4.38e-6, 0.00010157),
    ),
    Link(
        name="wrist_2",
        pos=(0.0, -0.0997, 0.0),
        quat=(HALF, 0.0, 0.0, HALF),
        mass=1.3,
        com=(0.0, 0.01634, -0.0018),
        inertia=(0.00135617, 0.00127827, 0.00096614, -2.74e-6, 4.44e-6, -5.048e-5),
    ),
    Link(
        name="wrist_3",
        pos=(0.0, 0.0996, 0.0),
        quat=(-HALF, 0.0, 0.0, HALF),
        mass=0.365,
        com=(0.0, 0.0, -0.001159),
        inertia=(0.00018694, 0.00018908, 0.00025756, 6e-8, -1.7e-7, -9.2e-7),
    ),
)
"""The six moving links, each turning about its own z axis; the flange is the origin of the last."""
INERTIA_ROLLS = (HALF, 0.0, 0.0, HALF, -HALF, 0.0)
"""The published inertias stand in axes turned by 90 degrees about x for three links: x of that quaternion."""
ARMATURE = 0.1
JOINT_DAMPING = 1.0
Q_MAX = (2 * math.pi, 2 * math.pi, math.pi, 2 * math.pi, 2 * math.pi, 2 * math.pi)
DQ_MAX = math.pi
TAU_MAX = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)
DTAU_MAX = 1000.0


def ur5e() -> ArmModel:
    """The UR5e, its tool centre point at the flange; ``with_tool`` adds what it holds."""
    turns = [quat_to_matrix(np.array([x, 0.0, 0.0, math.sqrt(1.0 - x * x)])) for x in INERTIA_ROLLS]
    flange = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    return ArmModel(
        name="ur5e",
        joint_pos=np.array([link.pos for link in LINKS]),
        joint_quat=np.array([link.quat for link in LINKS]),
        axes=np.array([link.axis for link in LINKS]),
        masses=np.array([link.mass for link in LINKS]),
        coms=np.array([link.com for link in LINKS]),
        inertias=np.array([t @ link.inertia_matrix @ t.T for t, link in zip(turns, LINKS, strict=True)]),
        armature=np.full(6, ARMATURE),
        joint_damping=np.full(6, JOINT_DAMPING),
        mount=flange,
        tcp=flange.copy(),
        q_min=-np.array(Q_MAX),
        q_max=np.array(Q_MAX),
        dq_max=np.full(6, DQ_MAX),
        tau_max=np.array(TAU_MAX),
        dtau_max=np.full(6, DTAU_MAX),
        home=np.array(HOME),
    )
