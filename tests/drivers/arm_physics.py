"""The physics behind the stand-ins: an arm of our tables in MuJoCo, gravity compensated, perhaps above a wall."""

import mujoco
import numpy as np


class ArmPhysics:
    """Steps with a held torque; ``brake`` stops it dead, as a robot does that is not controlled."""

    def __init__(self, arm, period, wall=None):
        spec = mujoco.MjSpec()
        spec.option.gravity = [0.0, 0.0, 0.0]
        spec.option.timestep = period
        body = spec.worldbody
        for i in range(arm.n):
            body = body.add_body(pos=arm.joint_pos[i], quat=np.roll(arm.joint_quat[i], 1))
            body.mass, body.ipos, body.explicitinertial = arm.masses[i], arm.coms[i], True
            m = arm.inertias[i]
            body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
            body.add_joint(axis=arm.axes[i], armature=arm.armature[i], damping=arm.joint_damping[i])
        tool = body.add_body(pos=arm.mount[:3], quat=np.roll(arm.mount[3:], 1))
        ball = tool.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.02, 0, 0], pos=arm.tcp[:3])
        ball.mass = 0.0
        if wall is not None:
            plane = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2, 2, 0.1], pos=[0, 0, wall])
            plane.solref = [0.01, 1.0]
        self.arm, self.model = arm, spec.compile()
        spec.option.gravity = [0.0, 0.0, -9.81]
        self.heavy = spec.compile()
        self.still, self.held = mujoco.MjData(self.heavy), np.zeros(arm.n)
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:] = arm.home
        mujoco.mj_forward(self.model, self.data)

    @property
    def q(self):
        return self.data.qpos

    @property
    def dq(self):
        return self.data.qvel

    @property
    def external(self):
        """Torque of contacts, (n,)."""
        return self.data.qfrc_constraint

    def gravity(self):
        """Torque that holds the arm up, (n,)."""
        self.still.qpos[:] = self.data.qpos
        mujoco.mj_kinematics(self.heavy, self.still)
        mujoco.mj_comPos(self.heavy, self.still)
        mujoco.mj_rne(self.heavy, self.still, 0, self.held)
        return self.held

    def step(self, tau):
        self.data.qfrc_applied[:] = tau
        mujoco.mj_step(self.model, self.data)

    def brake(self):
        self.data.qvel[:] = 0.0
