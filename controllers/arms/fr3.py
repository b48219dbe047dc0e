"""The Franka Research 3: the Panda's geometry with limits of its own, which depend on the system version.

Limits: the manufacturer's published figures (control.md §1.6). Masses, centres and inertias of the links: the table
that the manufacturer publishes with its description of the robot (franka_description, robots/fr3/inertials.yaml). What
it does not publish stays the Panda's: rotor inertia as felt through the robot's own torque control, viscous friction.
Speed limits shrink towards the ends of a joint's range; from system version 5.9 on the robot reports the curve itself
(``position_based_velocity_limits`` in its description), and the one below only stands in for it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import LINKS, bare_arm, with_hand

Q_MIN = (-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159)
Q_MAX = (2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159)
Q_MIN_59 = (-2.9007, -1.8361, -2.9007, -3.0770, -2.8763, 0.4398, -3.0508)
Q_MAX_59 = (2.9007, 1.8361, 2.9007, -0.1169, 2.8763, 4.6216, 3.0508)
DQ_MAX = (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26)
OFFSET = (0.30, 0.20, 0.20, 0.30, 0.35, 0.35, 0.35)
DECELERATION = (6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0)
Q_TOP = (2.7501, 1.7918, 2.9065, -0.1458, 2.8101, 4.5205, 3.0196)
"""Where the curve of the fastest velocity starts; a little beyond the joint's end."""

BODIES = (
    (
        2.9274653454,
        (0.0000004128, -0.0181251324, -0.0386035970),
        (0.0239273165, 0.0224821613, 0.0063500983, 0.0000133179, -0.0001140477, -0.0019950321),
    ),
    (
        2.9355370338,
        (0.0031828864, -0.0743221644, 0.0088146084),
        (0.0419389463, 0.0251451489, 0.0617021447, 0.0002025733, 0.0040777842, -0.0042252158),
    ),
    (
        2.2449013699,
        (0.0407015686, -0.0048200565, -0.0289730823),
        (0.0241014255, 0.0197405327, 0.0190444945, 0.0024046946, -0.0028562693, -0.0021042127),
    ),
    (
        2.6155955791,
        (-0.0459100965, 0.0630492960, -0.0085187868),
        (0.0345299832, 0.0288816219, 0.0412547117, 0.0132255227, 0.0101514300, -0.0009762834),
    ),
    (
        2.3271207594,
        (-0.0016039605, 0.0292536262, -0.0972965990),
        (0.0516102785, 0.0478772971, 0.0164236256, -0.0057151734, -0.0035673168, 0.0106739851),
    ),
    (
        1.8170376524,
        (0.0597131221, -0.0410294666, -0.0101692726),
        (0.0054123336, 0.0140583295, 0.0160808179, 0.0061934564, 0.0014219289, -0.0013140754),
    ),
    (
        0.6271432862,
        (0.0045225817, 0.0086261921, -0.0161633251),
        (0.0002109239, 0.0001771857, 0.0000599319, -0.0000243330, 0.0000456448, 0.0000874407),
    ),
)
"""Of every link: mass [kg], centre of mass [m], and xx yy zz xy xz yz about it [kg m^2], in the link's frame."""


def fr3(since_5_9: bool = False) -> ArmModel:
    """The FR3 (7 joints) with its hand, in SI units; ``since_5_9`` for a system of version 5.9 or later, whose ranges
    of motion [rad] are wider."""
    beyond = np.array(Q_TOP) - np.array(Q_MAX)
    q_min = np.array(Q_MIN_59 if since_5_9 else Q_MIN)
    q_max = np.array(Q_MAX_59 if since_5_9 else Q_MAX)
    curve = np.stack([np.array(OFFSET), np.array(DECELERATION), q_min - beyond, q_max + beyond], axis=1)
    links = [
        replace(link, mass=mass, com=com, inertia=inertia)
        for link, (mass, com, inertia) in zip(LINKS, BODIES, strict=True)
    ]
    return replace(with_hand(bare_arm("fr3", links)), q_min=q_min, q_max=q_max, dq_max=np.array(DQ_MAX), dq_curve=curve)
