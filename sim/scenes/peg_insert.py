"""A square peg held by the gripper, and a block with a square hole."""

from __future__ import annotations

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import HOME, TCP, panda
from robot_rl.core.records import Array
from sim.inverse_kinematics import solve
from sim.panda import COLLISION_GROUP, WORLD_AFFINITY, Gripper, arm_geom, set_inertia
from sim.poses import place_object, yaw_quat
from sim.workbench import visual

PEG_HALF = 0.010
"""Half the peg's width: 20 mm square [m]."""
PEG_LENGTH = 0.060
PEG_MASS = 0.065
"""Aluminium [kg]."""
EDGE_RADIUS = 0.001
"""Rounding of the peg's edges, which is also its lead-in [m]."""
CONTACT_REFERENCE = [-10000.0, -120.0]
"""Stiffness and damping per effective mass [1/s^2, 1/s]: on the arm's 6 kg about 6e4 N/m, as fingers and part give."""
CONTACT_IMPEDANCE = [0.5, 0.5, 0.001, 0.5, 2.0]
HOLE_HALF = 0.0105
"""Half the opening: 21 mm, so 1 mm clearance [m]."""
DEPTH = 0.040
"""Height of the block and depth of the hole, which ends at the table [m]."""
BLOCK_HALF = 0.04
TIP = TCP[2] + 0.045
"""The peg's tip in the hand's frame, along z [m]."""
HOME_POSE = np.array([0.5, 0.0, 0.11, 1.0, 0.0, 0.0, 0.0])
"""Tip of the peg at the start."""
HOLE_CENTRE = np.array([0.5, 0.0])
SPREAD = 0.02
"""The hole's centre lies within this of ``HOLE_CENTRE`` in x and y [m]."""
YAW_SPREAD = np.deg2rad(10.0)
"""The hole is turned by up to this [rad]."""


class PegInsertScene:
    """The hole's frame sits in the middle of its mouth, z up; the tool centre point is the peg's tip."""

    name = "peg_insert"
    gripper = Gripper(driven=False, opening=2 * PEG_HALF)
    objects = ("hole",)

    def arm(self) -> ArmModel:
        """The Panda with hand and peg."""
        com, inertia = _peg_body()
        return panda().with_tool(PEG_MASS, com, inertia, np.array([0.0, 0.0, TIP, 0.0, 0.0, 0.0, 1.0]))

    def home(self) -> Array:
        """Peg 7 cm above the mouth of a hole in the middle of its places."""
        return solve(self.arm(), HOME_POSE, np.array(HOME))

    def build(self, spec: mujoco.MjSpec) -> None:
        """The peg in the hand, the block on the table."""
        spec.option.gravity = [0.0, 0.0, 0.0]  # everything that moves is gravity-compensated: saves computing it
        spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10.0
        _add_peg(spec.body("hand"))
        _add_block(spec.worldbody.add_body(name="hole", mocap=True, pos=[*HOLE_CENTRE, DEPTH]))

    def randomise(self, model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """The hole's place and yaw, uniform."""
        position = HOLE_CENTRE + rng.uniform(-SPREAD, SPREAD, 2)
        yaw = rng.uniform(-YAW_SPREAD, YAW_SPREAD)
        place_object(model, data, "hole", np.array([*position, DEPTH, *yaw_quat(yaw)]))


def _peg_body() -> tuple[Array, Array]:
    """Centre of mass (3,) [m] in the hand's frame, and inertia about it (3, 3) [kg m^2]."""
    side, length = (2 * PEG_HALF) ** 2, PEG_LENGTH**2
    inertia = PEG_MASS / 12 * np.diag([side + length, side + length, 2 * side])
    return np.array([0.0, 0.0, TIP - PEG_LENGTH / 2]), inertia


def _add_peg(hand: mujoco.MjsBody) -> None:
    """Its four rounded edges make contact; against the flat faces of a block that is as good as the whole peg."""
    com, inertia = _peg_body()
    peg = hand.add_body(name="peg", pos=com)
    set_inertia(peg, PEG_MASS, np.zeros(3), inertia)
    inset, end = PEG_HALF - EDGE_RADIUS, PEG_LENGTH / 2 - EDGE_RADIUS
    for x in (-inset, inset):
        for y in (-inset, inset):
            edge = arm_geom(peg, mujoco.mjtGeom.mjGEOM_CAPSULE, [EDGE_RADIUS, 0.0, 0.0])
            edge.fromto = [x, y, -end, x, y, end]
            edge.friction, edge.condim, edge.priority = [0.3, 0.005, 0.0001], 3, 1
            edge.solref, edge.solimp = CONTACT_REFERENCE, CONTACT_IMPEDANCE
    visual(peg, "box", (PEG_HALF, PEG_HALF, PEG_LENGTH / 2), "peg")


def _add_block(block: mujoco.MjsBody) -> None:
    wall, middle = (BLOCK_HALF - HOLE_HALF) / 2, (BLOCK_HALF + HOLE_HALF) / 2
    for sign in (-1.0, 1.0):
        for pos, half in (([sign * middle, 0.0], [wall, BLOCK_HALF]), ([0.0, sign * middle], [HOLE_HALF, wall])):
            size = [*half, DEPTH / 2]
            box = block.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size, pos=[*pos, -DEPTH / 2])
            box.contype, box.conaffinity, box.group = 1, WORLD_AFFINITY, COLLISION_GROUP
            visual(block, "box", tuple(size), "part").pos = [*pos, -DEPTH / 2]
    visual(block, "box", (HOLE_HALF, HOLE_HALF, 0.0005), "part_dark").pos = [0.0, 0.0, 0.0006 - DEPTH]
