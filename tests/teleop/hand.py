"""A hand and an arm somewhere."""

import numpy as np

from robot_rl.core.records import EnergyState, Mode, RobotState

ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)
HERE = np.array([0.4, 0.1, 0.3, 1.0, 0.0, 0.0, 0.0])


def state(reference=HERE, gripper=0.04):
    zeros = np.zeros(7)
    return RobotState(
        stamp=0.0, q=zeros, dq=zeros, tau=zeros, ee_pose=reference, ee_twist=zeros[:6], wrench=zeros[:6],
        peak_force=0.0, reference=reference, gripper=gripper, energy=ENERGY,
    )  # fmt: skip


def hand(x=0.0, y=0.0, z=0.0, turn=0.0):
    """A hand at a place of its own, turned about its z axis."""
    return np.array([5.0 + x, -3.0 + y, 1.0 + z, 0.0, 0.0, np.sin(turn / 2), np.cos(turn / 2)])
