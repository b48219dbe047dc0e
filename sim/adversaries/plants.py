"""The arms that adversaries play with: the twin's tables, and everything about the plant that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.parameters.line import LineLimits, provide
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.records import Array
from sim.poses import to_wxyz

BALL = 0.02
"""Radius of the finger tip that touches walls [m]."""
GRAVITY = 9.81
LONGEST_BURST = 19
"""Packets in a row that a line may lose; at 20 the usual robot stops by itself."""
LONGEST_DROP = 8
"""Torques in a row that are lost when each one may be, practically at most."""
LINK_FRICTION = 0.3
"""Dry friction of a joint where there is any [N m]."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong with a plant and with the line to it. The default is: nothing."""

    name: str
    wall: float = 0.0
    """Time constant of the walls' contact [s]; 0 for no walls. 0.004 is stiff."""
    wall_gap: float = 0.04
    """Distance from the finger tip to the floor at home [m]; the side wall is half a decimetre further."""
    mass: float = 1.0
    """Factor on every link's mass and inertia."""
    payload: float = 0.0
    """Mass at the tool that nobody compensates [kg]."""
    friction: float = 1.0
    """Factor on viscous friction; above 1 there is dry friction too."""
    tilt: float = 0.0
    """Angle between the true gravity and the one that is compensated [rad]."""
    burst: float = 0.0
    """Chance per tick that a burst of 1 to 19 ticks is lost: no state, no torque; the arm keeps its torque."""
    drop: float = 0.0
    """Chance per tick that a torque is lost although its state arrived; the arm keeps the last one."""
    delay: int = 0
    """Age of the state packets [ticks]."""
    noise: float = 0.0
    """Standard deviation of the encoders [rad]."""
    shake: float = 0.0
    """Largest force at the tool from outside [N]."""
    at_limits: bool = False
    """Start beside the joints' ends."""


def provided_for(config: ControllerConfig, trouble: Trouble) -> ControllerConfig:
    """The controller told what the line may swallow or delay: the promise covers what it knows of."""
    lost = (LONGEST_BURST if trouble.burst > 0.0 else 0) + (LONGEST_DROP if trouble.drop > 0.0 else 0)
    return provide(config, LineLimits(lost=lost, late=trouble.delay))


def start_of(arm: ArmModel, trouble: Trouble) -> Array:
    """Start posture (n,) [rad]."""
    if not trouble.at_limits:
        return arm.home.copy()
    q = arm.home.copy()
    q[1], q[3], q[5], q[6] = arm.q_max[1] - 1.2, arm.q_min[3] + 0.12, arm.q_max[5] - 0.1, arm.q_max[6] - 0.08
    return q


def plant_model(arm: ArmModel, trouble: Trouble, timestep: float) -> mujoco.MjModel:
    """The arm with ``trouble``: perfect gravity compensation is no gravity; what is wrong with it is what is left."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.timestep = timestep
    spec.option.gravity = [0.0, 0.0, 0.0]
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_ENERGY
    hand = _chain(spec, arm, trouble)
    if trouble.tilt > 0.0:
        spec.option.gravity = GRAVITY * np.array([np.sin(trouble.tilt), 0.0, 1.0 - np.cos(trouble.tilt)])
    if trouble.payload > 0.0:
        spec.option.gravity = [0.0, 0.0, -GRAVITY]
        load = hand.add_body(name="payload", pos=arm.tcp[:3])
        ball = load.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.03, 0, 0], contype=0, conaffinity=0)
        ball.mass = trouble.payload
    if trouble.wall > 0.0:
        _walls(spec, arm, trouble)
    return spec.compile()


def _chain(spec: mujoco.MjSpec, arm: ArmModel, trouble: Trouble) -> mujoco.MjsBody:
    body = spec.worldbody
    for i in range(arm.n):
        body = body.add_body(name=f"link{i + 1}", pos=arm.joint_pos[i], quat=to_wxyz(arm.joint_quat[i]))
        body.mass, body.ipos, body.explicitinertial = trouble.mass * arm.masses[i], arm.coms[i], True
        m = trouble.mass * arm.inertias[i]
        body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
        body.gravcomp = 1.0 if trouble.payload > 0.0 else 0.0
        joint = body.add_joint(name=f"joint{i + 1}", axis=arm.axes[i], armature=arm.armature[i])
        joint.damping = [trouble.friction * arm.joint_damping[i], 0.0, 0.0]
        joint.range, joint.limited = [arm.q_min[i], arm.q_max[i]], mujoco.mjtLimited.mjLIMITED_TRUE
        joint.frictionloss = LINK_FRICTION * max(0.0, trouble.friction - 1.0)
    return body.add_body(name="hand", pos=arm.mount[:3], quat=to_wxyz(arm.mount[3:]))


def _walls(spec: mujoco.MjSpec, arm: ArmModel, trouble: Trouble) -> None:
    """A floor under the finger tip and a wall to its left; the touch sensor feels the force on both."""
    hand = spec.body("hand")
    ball = hand.add_geom(name="tip", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[BALL, 0, 0], pos=arm.tcp[:3])
    ball.mass = 0.0
    hand.add_site(name="tip", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[2 * BALL, 0, 0], pos=arm.tcp[:3])
    spec.add_sensor(name="tip", type=mujoco.mjtSensor.mjSENS_TOUCH, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="tip")
    tip = arm.forward(start_of(arm, trouble))[:3]
    floor = [0.0, 0.0, tip[2] - BALL - trouble.wall_gap]
    side = [0.0, tip[1] + BALL + trouble.wall_gap + 0.05, 0.0]
    for place, quat in ((floor, (1.0, 0.0, 0.0, 0.0)), (side, (np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0))):
        wall = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2.0, 2.0, 0.1], pos=place, quat=quat)
        wall.solref, wall.friction = [trouble.wall, 1.0], [0.5, 0.005, 0.0001]


BATTERY = (
    Trouble(name="none"),
    Trouble(name="stiff walls", wall=0.004),
    Trouble(name="soft walls", wall=0.03),
    Trouble(name="loss bursts", burst=0.01),
    Trouble(name="lost torques", drop=0.1),
    Trouble(name="half the mass", mass=0.5, wall=0.004),
    Trouble(name="one and a half the mass", mass=1.5, wall=0.004),
    Trouble(name="1 kg unknown", payload=1.0),
    Trouble(name="no friction", friction=0.0, wall=0.004),
    Trouble(name="threefold friction", friction=3.0, wall=0.004),
    Trouble(name="late by 1 tick", delay=1, wall=0.004),
    Trouble(name="late by 2 ticks", delay=2, wall=0.004),
    Trouble(name="late by 3 ticks", delay=3),
    Trouble(name="encoder noise", noise=5e-5, wall=0.004),
    Trouble(name="shaking", shake=30.0),
    Trouble(name="gravity off by 2 degrees", tilt=np.deg2rad(2.0)),
    Trouble(name="beside the joints' ends", at_limits=True, wall=0.004),
    Trouble(
        name="everything",
        wall=0.004,
        mass=1.5,
        payload=0.5,
        friction=2.0,
        burst=0.003,
        drop=0.02,
        delay=1,
        noise=5e-5,
        shake=20.0,
    ),
)
"""The plants of the battery (control.md §2.9)."""
