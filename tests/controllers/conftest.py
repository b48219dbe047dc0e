"""A small MuJoCo plant without gravity, and an observer of energy that shares no code with the controller."""

from dataclasses import dataclass, field

import mujoco
import numpy as np
import pytest

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance

WALL = 0.45
"""Where the wall of the plant stands [m]."""


def spec_of(arm: ArmModel) -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    body = spec.worldbody
    for i in range(arm.n):
        body = body.add_body(name=f"link{i}", pos=arm.joint_pos[i], quat=np.roll(arm.joint_quat[i], 1))
        body.mass, body.ipos, body.explicitinertial = arm.masses[i], arm.coms[i], True
        m = arm.inertias[i]
        body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
        body.add_joint(axis=arm.axes[i], armature=arm.armature[i], damping=arm.joint_damping[i])
    hand = body.add_body(name="hand", pos=arm.mount[:3], quat=np.roll(arm.mount[3:], 1))
    hand.add_site(name="tcp", pos=arm.tcp[:3], quat=np.roll(arm.tcp[3:], 1))
    spec.option.gravity = [0.0, 0.0, 0.0]
    spec.option.timestep = 0.001
    return spec


@dataclass
class Plant:
    """An arm that a controller drives, tick by tick; keeps what an observer needs."""

    controller: PassiveImpedance
    model: mujoco.MjModel
    data: mujoco.MjData = field(init=False)
    torques: list = field(default_factory=list)
    positions: list = field(default_factory=list)

    def __post_init__(self):
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:] = self.controller.arm.home
        self.controller.reset(self.data.qpos, self.data.qvel)
        self.positions.append(self.data.qpos.copy())

    @property
    def now(self):
        return self.data.time

    def step(self, ticks=1):
        for _ in range(ticks):
            external = self.data.qfrc_constraint
            tau = self.controller.tick(self.data.qpos, self.data.qvel, external, self.data.time)
            self.data.qfrc_applied[:] = tau
            self.torques.append(tau.copy())
            mujoco.mj_step(self.model, self.data)
            self.positions.append(self.data.qpos.copy())

    def work(self):
        """The work done so far, after each tick, from what was applied and where the joints went (numpy only)."""
        moved = np.diff(np.array(self.positions), axis=0)
        return np.cumsum(np.einsum("ti,ti->t", np.array(self.torques), moved))


@pytest.fixture(scope="session")
def make_plant():
    """make_plant(config, arm=None, wall=False) -> Plant."""

    def make(config, arm=None, wall=False):
        arm = arm or panda()
        spec = spec_of(arm)
        spec.option.timestep = config.period
        if wall:
            ball = spec.body("hand").add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.02, 0, 0], pos=arm.tcp[:3])
            ball.mass = 0.0
            plane = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1], pos=[0, 0, WALL])
            plane.solref = [0.004, 1.0]
        return Plant(PassiveImpedance(arm, config), spec.compile())

    return make
