"""The Franka Research 3: the Panda's geometry with limits of its own, which depend on the system version.

Limits: the manufacturer's published figures (control.md §1.6). Inertias are the Panda's, the nearest published set.
Speed limits shrink towards the ends of a joint's range; from system version 5.9 on the robot reports the curve itself
(``position_based_velocity_limits`` in its description), and the one below only stands in for it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import panda

Q_MIN = (-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159)
Q_MAX = (2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159)
Q_MIN_59 = (-2.9007, -1.8361, -2.9007, -3.0770, -2.8763, 0.4398, -3.0508)
Q_MAX_59 = (2.9007, 1.8361, 2.9007, -0.1169, 2.8763, 4.6216, 3.0508)
DQ_MAX = (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26)
OFFSET = (0.30, 0.20, 0.20, 0.30, 0.35, 0.35, 0.35)
DECELERATION = (6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0)
Q_TOP = (2.7501, 1.7918, 2.9065, -0.1458, 2.8101, 4.5205, 3.0196)
"""Where the curve of the fastest velocity starts; a little beyond the joint's end."""


def fr3(since_5_9: bool = False) -> ArmModel:
    """The FR3 with its hand; ``since_5_9`` for a system of version 5.9 or later, which has the wider ranges."""
    beyond = np.array(Q_TOP) - np.array(Q_MAX)
    q_min = np.array(Q_MIN_59 if since_5_9 else Q_MIN)
    q_max = np.array(Q_MAX_59 if since_5_9 else Q_MAX)
    curve = np.stack([np.array(OFFSET), np.array(DECELERATION), q_min - beyond, q_max + beyond], axis=1)
    return replace(panda(), name="fr3", q_min=q_min, q_max=q_max, dq_max=np.array(DQ_MAX), dq_curve=curve)
