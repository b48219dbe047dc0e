"""A maze of stiff walls on the table: the way of the seed paper's task (Zhang et al. 2025, arXiv 2503.00287).

Their plan is not published in numbers; this one is ours: three corridors, joined by two gaps on opposite sides.
"""

from __future__ import annotations

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import HOME, TCP, panda
from robot_rl.core.records import Array
from sim.inverse_kinematics import solve
from sim.panda import COLLISION_GROUP, WORLD_AFFINITY, Gripper, arm_geom, set_inertia
from sim.poses import place_object
from sim.workbench import visual

STYLUS_RADIUS = 0.008
STYLUS_LENGTH = 0.060
STYLUS_MASS = 0.065
"""[kg]"""
TIP = TCP[2] + 0.045
"""The stylus' tip in the hand's frame, along z [m]."""
HEIGHT = 0.012
"""The tip's height over the table [m]."""
HOME_POSE = np.array([0.40, 0.0, HEIGHT, 1.0, 0.0, 0.0, 0.0])
"""Tip of the stylus at the start, in the first corridor."""
GOAL = np.array([0.56, 0.0, HEIGHT])
"""Middle of the goals, in the third corridor [m]."""
GOAL_SPREAD = 0.03
"""Goals lie within this of ``GOAL`` in y [m]."""
WALLS = np.array([0.48, 0.0, 0.0])
"""Middle of the maze at rest [m]; its frame is square to the base."""
SHIFT = 0.01
"""The walls stand within this of ``WALLS`` in x and y, and only contact tells where [m]."""
HALF = np.array([0.12, 0.11])
"""Inner half lengths of the maze in x and y [m]."""
INNER = ((-0.04, 1.0), (0.04, -1.0))
"""The two inner walls: x [m], and on which side in y their gap is."""
GAP = 0.055
"""Width of the gaps, for a stylus of 16 mm [m]."""
THICK = 0.006
"""Half the walls' thickness [m]."""
WALL_HEIGHT = 0.035
CONTACT_REFERENCE = [-20000.0, -120.0]
"""Stiffness and damping per effective mass [1/s^2, 1/s]: on the arm's 6 kg about 1e5 N/m, as bolted aluminium."""
CONTACT_IMPEDANCE = [0.9, 0.95, 0.001, 0.5, 2.0]
FRICTION = [0.4, 0.005, 0.0001]


class MazeScene:
    """A stylus in the hand, two inner walls with a gap each, and a border; the tool centre point is the tip."""

    name = "maze"
    gripper = Gripper(driven=False, opening=2 * STYLUS_RADIUS)
    objects = ("goal", "walls")

    def arm(self) -> ArmModel:
        """The Panda with hand and stylus."""
        com, inertia = _stylus_body()
        return panda().with_tool(STYLUS_MASS, com, inertia, np.array([0.0, 0.0, TIP, 0.0, 0.0, 0.0, 1.0]))

    def home(self) -> Array:
        """Tip in the first corridor."""
        return solve(self.arm(), HOME_POSE, np.array(HOME))

    def build(self, spec: mujoco.MjSpec) -> None:
        """The stylus in the hand, the walls on the table, a mark at the goal."""
        spec.option.gravity = [0.0, 0.0, 0.0]  # everything that moves is gravity-compensated: saves computing it
        spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10.0
        _add_stylus(spec.body("hand"))
        _add_walls(spec.worldbody.add_body(name="walls", mocap=True, pos=WALLS))
        goal = spec.worldbody.add_body(name="goal", mocap=True, pos=GOAL)
        visual(goal, "cylinder", (0.015, 0.001), "goal").pos = [0.0, 0.0, 0.002 - HEIGHT]

    def randomise(self, model: mujoco.MjModel, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """Where the walls stand, and the goal along its corridor, uniform."""
        goal, walls = (np.array([*place, 0.0, 0.0, 0.0, 1.0]) for place in (GOAL, WALLS))
        goal[1] += rng.uniform(-GOAL_SPREAD, GOAL_SPREAD)
        walls[:2] += rng.uniform(-SHIFT, SHIFT, 2)
        place_object(model, data, "goal", goal)
        place_object(model, data, "walls", walls)


def _stylus_body() -> tuple[Array, Array]:
    """Centre of mass (3,) [m] in the hand's frame, and inertia about it (3, 3) [kg m^2]."""
    across = STYLUS_MASS / 12 * (3 * STYLUS_RADIUS**2 + STYLUS_LENGTH**2)
    inertia = np.diag([across, across, STYLUS_MASS / 2 * STYLUS_RADIUS**2])
    return np.array([0.0, 0.0, TIP - STYLUS_LENGTH / 2]), inertia


def _add_stylus(hand: mujoco.MjsBody) -> None:
    com, inertia = _stylus_body()
    stylus = hand.add_body(name="stylus", pos=com)
    set_inertia(stylus, STYLUS_MASS, np.zeros(3), inertia)
    end = STYLUS_LENGTH / 2 - STYLUS_RADIUS
    rod = arm_geom(stylus, mujoco.mjtGeom.mjGEOM_CAPSULE, [STYLUS_RADIUS, 0.0, 0.0])
    rod.fromto = [0.0, 0.0, -end, 0.0, 0.0, end]
    rod.friction, rod.condim, rod.priority = FRICTION, 3, 1
    rod.solref, rod.solimp = CONTACT_REFERENCE, CONTACT_IMPEDANCE
    visual(stylus, "capsule", (STYLUS_RADIUS, end), "peg")


def wall_boxes() -> list[tuple[float, float, float, float]]:
    """The walls in the maze's frame: middle x, y and half lengths x, y [m]."""
    x, y = HALF + THICK
    border = [(s * x, 0.0, THICK, y + THICK) for s in (-1.0, 1.0)]
    border += [(0.0, s * y, x - THICK, THICK) for s in (-1.0, 1.0)]
    return border + [(at, -side * GAP / 2, THICK, HALF[1] - GAP / 2) for at, side in INNER]


def _add_walls(walls: mujoco.MjsBody) -> None:
    for x, y, half_x, half_y in wall_boxes():
        size = [half_x, half_y, WALL_HEIGHT / 2]
        box = walls.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=size, pos=[x, y, WALL_HEIGHT / 2])
        box.contype, box.conaffinity, box.group = 1, WORLD_AFFINITY, COLLISION_GROUP
        visual(walls, "box", tuple(size), "part").pos = [x, y, WALL_HEIGHT / 2]
