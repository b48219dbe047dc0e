"""The springs are gradients of their potential, and the damping gives the ratio it is asked for."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import DQ_MAX, HOME, JOINT_DAMPING, LINKS, Q_MAX, Q_MIN, TAU_MAX, panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.impedance import damping_wrench_into, spring_energy, spring_wrench_into
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import preset

POSTURES = [np.array(HOME) + 0.5 * np.random.default_rng(i).uniform(-1, 1, 7) for i in range(40)]
ISOTROPIC = np.array([600.0, 600.0, 600.0, 30.0, 30.0, 30.0])
ANISOTROPIC = np.array([900.0, 300.0, 50.0, 50.0, 30.0, 20.0])
CLIP, CAP = np.array([0.05, 0.6]), np.array([20.0, 8.0])


def handless_panda() -> ArmModel:
    """Without its hand, 0.7 kg at the flange: the arm of the reference figures."""
    arm = panda()
    bare = replace(
        arm,
        masses=np.array([link.mass for link in LINKS]),
        coms=np.array([link.com for link in LINKS]),
        inertias=np.array([link.inertia_matrix for link in LINKS]),
        mount=np.array([0.0, 0.0, 0.107, 0.0, 0.0, 0.0, 1.0]),
        tcp=np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
    )
    return bare.with_tool(0.7, np.zeros(3), np.eye(3) * 1e-9, bare.tcp)


def energy(ee, reference, k):
    return spring_energy(pose_error(ee, reference), reference[3:], k, CLIP, CAP)


@pytest.mark.parametrize("k", [ISOTROPIC, ANISOTROPIC], ids=["isotropic", "anisotropic"])
@pytest.mark.parametrize("size", [0.3, 1.0, 3.0], ids=["inside", "about the knee", "beyond"])
def test_springs_are_the_gradient_of_their_energy(k, size):
    rng = np.random.default_rng(1)
    for _ in range(100):
        reference = pose_add(np.array([0.4, 0.0, 0.3, 0.0, 0.0, 0.0, 1.0]), rng.normal(size=6))
        ee = pose_add(reference, size * rng.uniform(-1, 1, 6) * np.repeat([0.05, 0.4], 3))
        wrench = np.empty(6)
        spring_wrench_into(pose_error(ee, reference), reference[3:], k, CLIP, CAP, wrench)
        h = 1e-6
        for axis in np.eye(6):
            there, back = (energy(pose_add(ee, s * h * axis), reference, k) for s in (1, -1))
            assert wrench @ axis == pytest.approx(-(there - back) / (2 * h), abs=2e-7 * np.abs(wrench).max() + 1e-7)
            there, back = (energy(ee, pose_add(reference, s * h * axis), k) for s in (1, -1))
            if k is ISOTROPIC:
                assert wrench @ axis == pytest.approx((there - back) / (2 * h), abs=2e-7 * np.abs(wrench).max() + 1e-7)


@pytest.mark.parametrize("k", [ISOTROPIC, ANISOTROPIC], ids=["isotropic", "anisotropic"])
def test_springs_never_exceed_their_cap(k):
    rng = np.random.default_rng(2)
    for _ in range(300):
        reference = pose_add(np.array([0.4, 0.0, 0.3, 0.0, 0.0, 0.0, 1.0]), rng.normal(size=6))
        ee = pose_add(reference, rng.uniform(-1, 1, 6) * np.repeat([0.3, 1.7], 3))
        wrench = np.empty(6)
        spring_wrench_into(pose_error(ee, reference), reference[3:], k, CLIP, CAP, wrench)
        assert np.abs(wrench[:3]).max() <= CAP[0] + 1e-12
        assert np.linalg.norm(wrench[3:]) <= CAP[1] * (1.0 if k is ISOTROPIC else np.sqrt(3) * np.pi / 2) + 1e-12


def measured(arm, config, q):
    controller = PassiveImpedance(arm, config)
    controller.reset(q, np.zeros(7))
    controller.tick(q, np.zeros(7), np.zeros(7), 0.0)
    return controller.state


def damping_matrix(state, zeta):
    out = np.zeros((6, 6))
    for i, axis in enumerate(np.eye(6)):
        damping_wrench_into(state, zeta, axis, out[i])
    return -out.T


def task_inertia(arm, q):
    jac = arm.jacobian(q)
    return np.linalg.inv(jac @ np.linalg.solve(arm.mass_matrix(q), jac.T) + 1e-6 * np.eye(6))


@pytest.mark.parametrize("name", ["rl_explore", "precise", "human_near"])
def test_every_mode_has_the_damping_ratio_at_every_posture(name):
    arm, config = panda(), preset(name)
    k = np.repeat(config.stiffness, 3)
    for q in POSTURES:
        damping = damping_matrix(measured(arm, config, q), config.zeta)
        inertia = task_inertia(arm, q)
        np.testing.assert_allclose(damping, damping.T, rtol=1e-7, atol=1e-7)
        low = np.linalg.solve(inertia, np.hstack([-np.diag(k), -damping]))
        poles = np.linalg.eigvals(np.vstack([np.hstack([np.zeros((6, 6)), np.eye(6)]), low]))
        ratios = -poles.real / np.abs(poles)
        np.testing.assert_allclose(ratios, config.zeta, rtol=1e-4)
        assert np.linalg.eigvals(np.linalg.solve(inertia, damping)).real.max() * 0.002 <= 0.3


def test_golden_inertia_and_damping_at_home():
    """Against an independent prototype of the law on MuJoCo's matrices."""
    config = replace(preset("rl_explore"), zeta=1.0)
    np.testing.assert_allclose(
        np.diag(task_inertia(handless_panda(), np.array(HOME))), [12.4, 5.1, 6.5, 0.139, 0.308, 0.099], rtol=0.02
    )
    state = measured(handless_panda(), config, np.array(HOME))
    np.testing.assert_allclose(np.diag(damping_matrix(state, 1.0)), [166, 109, 120, 4.0, 5.4, 3.4], rtol=0.02)


def test_the_wrench_of_external_torques(make_plant):
    arm, q = panda(), np.array(HOME)
    controller = PassiveImpedance(arm, preset("rl_explore"))
    wrench = np.array([3.0, -2.0, 5.0, 0.3, 0.2, -0.1])
    controller.tick(q, np.zeros(7), arm.jacobian(q).T @ wrench, 0.0)
    np.testing.assert_allclose(controller.state["wrench"], wrench, atol=1e-4)
    assert controller.state["peak_force"] == pytest.approx(np.linalg.norm(wrench[:3]), abs=1e-4)


def test_the_published_table_is_consistent():
    assert len(LINKS) == len(HOME) == len(Q_MIN) == len(Q_MAX) == len(DQ_MAX) == len(TAU_MAX) == 7
    assert JOINT_DAMPING > 0.0
    assert np.all((np.array(Q_MIN) < HOME) & (np.array(HOME) < Q_MAX))
    assert all(np.linalg.eigvalsh(inertia).min() > 0.0 for inertia in panda().inertias)
