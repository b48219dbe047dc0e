"""The UR driver: version gate, the virtual arm, the table of the UR5e; on the wire with the real ur_rtde."""

import math

import numpy as np
import pytest

from controllers.arms.ur5e import ur5e
from controllers.numeric.rotations import quat_to_matrix
from controllers.parameters.presets import preset
from drivers.link import ArmRefusedError
from drivers.torque_arm import TorqueArm
from drivers.ur import TORQUE_GUARANTEE, VELOCITY_GUARANTEE, UrConfig, UrLink, polyscope, torque_allowed
from drivers.virtual_arm import VirtualArm
from robot_rl.core.errors import ConfigError

SETTINGS = preset("rl_explore")
DH = (
    (0.0, 0.1625, math.pi / 2),
    (-0.425, 0.0, 0.0),
    (-0.3922, 0.0, 0.0),
    (0.0, 0.1333, math.pi / 2),
    (0.0, 0.0997, -math.pi / 2),
    (0.0, 0.0996, 0.0),
)
"""a, d [m] and alpha [rad] of the manufacturer's table."""


def dh_pose(q):
    pose = np.eye(4)
    for angle, (a, d, alpha) in zip(q, DH, strict=True):
        c, s, ca, sa = math.cos(angle), math.sin(angle), math.cos(alpha), math.sin(alpha)
        pose = pose @ np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])
    return pose


@pytest.mark.parametrize("seed", range(5))
def test_the_table_agrees_with_the_manufacturers_parameters(seed):
    q = np.random.default_rng(seed).uniform(-3, 3, 6)
    pose, expected = ur5e().forward(q), dh_pose(q)
    np.testing.assert_allclose(pose[:3], expected[:3, 3], atol=1e-12)
    np.testing.assert_allclose(quat_to_matrix(pose[3:]), expected[:3, :3], atol=1e-12)


def test_every_preset_fits_the_ur5e_at_its_period():
    for name in ("rl_explore", "precise", "human_near"):
        preset(name, 0.002).record(ur5e())


def test_the_version_in_the_dashboards_words():
    assert polyscope("URSoftware 5.26.0.124 (Jan 01 2026)") == (5, 26)
    with pytest.raises(ArmRefusedError, match="is it a UR robot"):
        polyscope("hello")


@pytest.mark.parametrize(
    ("mode", "version", "torque"),
    [
        ("auto", (5, 26), True),
        ("auto", (5, 25), False),
        ("auto", (3, 15), False),
        ("velocity", (5, 26), False),
        ("torque", (10, 12), True),
    ],
)
def test_torque_where_the_controller_allows_it(mode, version, torque):
    assert torque_allowed(UrConfig(address="x", mode=mode), version) is torque


def test_torque_that_the_controller_does_not_allow_is_refused():
    with pytest.raises(ArmRefusedError, match="or use velocity"):
        torque_allowed(UrConfig(address="x", mode="torque"), (5, 11))


def test_a_wrong_mode_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'velocity'"):
        UrConfig(address="x", mode="velocty")


def test_the_two_guarantees_differ_and_say_so():
    assert "NOT bounded" in VELOCITY_GUARANTEE
    assert "NOT bounded" not in TORQUE_GUARANTEE


def test_the_virtual_arm_gives_back_no_energy():
    arm, rng = VirtualArm(ur5e(), damping=5.0), np.random.default_rng(1)
    arm.start(ur5e().home)
    given, kinetic = 0.0, 0.0
    for _ in range(500):
        tau, before = rng.uniform(-5, 5, 6), arm.q.copy()
        arm.step(tau, 0.002)
        given += float(tau @ (arm.q - before))
        kinetic = 0.5 * float(arm.dq @ ur5e().mass_matrix(arm.q) @ arm.dq)
        assert kinetic <= given + 1e-3, "the motion has more energy than was put in"
    assert given > kinetic


def open_arm(address, **config):
    return TorqueArm(UrLink(UrConfig(address=address, **config)), SETTINGS)


@pytest.fixture
def robot(serve, library):
    """robot("--stop-at", 50) -> address of a robot on the wire."""
    library("rtde_control")
    return lambda *flags: serve("rtde_server.py", *flags)


def test_an_old_controller_is_led_by_velocity(robot):
    with open_arm(robot("--polyscope", 5, 11)) as arm:
        arm.advance(1)
        assert not arm.link.torque
        assert arm.link.guarantee == VELOCITY_GUARANTEE


def test_a_protective_stop_is_a_fault_that_recover_does_not_hide(robot):
    with open_arm(robot("--stop-at", 50)) as arm:
        arm.advance(80)
        assert arm.fault
        with pytest.raises(ArmRefusedError, match="pendant"):
            arm.recover()


def test_pushed_at_the_start_it_is_refused(robot):
    with pytest.raises(ArmRefusedError, match="payload"), open_arm(robot("--push", 30.0)):
        pass


def test_nobody_answers():
    pytest.importorskip("rtde_control")
    with pytest.raises(ArmRefusedError, match="remote control"), open_arm("127.9.9.7"):
        pass
