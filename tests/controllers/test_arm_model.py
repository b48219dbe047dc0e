"""The kernels' kinematics and inertia against MuJoCo's, on the same figures."""

import mujoco
import numpy as np
import pytest

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import HOME, panda
from controllers.numeric.rotations import quat_rotate

TOOL_TCP = np.array([0.01, -0.02, 0.15, 0.5, 0.5, -0.5, 0.5])


def mujoco_model(arm: ArmModel) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    body = spec.worldbody
    for i in range(arm.n):
        body = body.add_body(name=f"link{i}", pos=arm.joint_pos[i], quat=np.roll(arm.joint_quat[i], 1))
        body.mass, body.ipos, body.explicitinertial = arm.masses[i], arm.coms[i], True
        m = arm.inertias[i]
        body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
        body.add_joint(axis=arm.axes[i], armature=arm.armature[i])
    hand = body.add_body(name="hand", pos=arm.mount[:3], quat=np.roll(arm.mount[3:], 1))
    hand.add_site(name="tcp", pos=arm.tcp[:3], quat=np.roll(arm.tcp[3:], 1))
    return spec.compile()


def skewed() -> ArmModel:
    arm = panda().with_tool(0.3, np.array([0.01, 0.02, 0.12]), np.diag([4e-4, 5e-4, 2e-4]), TOOL_TCP)
    axes = arm.axes.copy()
    axes[1], axes[4] = [0.0, 1.0, 0.0], [0.6, 0.0, -0.8]
    return ArmModel(**{**arm.__dict__, "axes": axes})


@pytest.mark.parametrize("arm", [panda(), skewed()], ids=["panda", "tool and odd axes"])
def test_kinematics_and_inertia_are_mujocos(arm):
    model = mujoco_model(arm)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    for _ in range(50):
        q = rng.uniform(arm.q_min, arm.q_max)
        data.qpos[:] = q
        mujoco.mj_forward(model, data)
        pose = arm.forward(q)
        np.testing.assert_allclose(pose[:3], data.site("tcp").xpos, atol=1e-12)
        matrix = np.stack([quat_rotate(pose[3:], e) for e in np.eye(3)], axis=1)
        np.testing.assert_allclose(matrix, data.site("tcp").xmat.reshape(3, 3), atol=1e-12)
        jac = np.zeros((6, 7))
        mujoco.mj_jacSite(model, data, jac[:3], jac[3:], model.site("tcp").id)
        np.testing.assert_allclose(arm.jacobian(q), jac, atol=1e-12)
        mass = np.zeros((7, 7))
        mujoco.mj_fullM(model, mass, data.qM)
        np.testing.assert_allclose(arm.mass_matrix(q), mass, rtol=1e-6, atol=1e-6)  # MuJoCo rounds principal axes


def test_home_points_the_tool_straight_down():
    pose = panda().forward(np.array(HOME))
    np.testing.assert_allclose(pose[:3], [0.30689, 0.0, 0.486882], atol=1e-4)
    np.testing.assert_allclose(quat_rotate(pose[3:], np.array([0.0, 0.0, 1.0])), [0.0, 0.0, -1.0], atol=1e-9)
