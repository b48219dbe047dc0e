"""The tables of the arms that the drivers serve: published masses, capsules that fit the kinematics."""

import numpy as np
import pytest

from controllers.arms.fr3 import BODIES, fr3
from controllers.arms.panda import panda
from controllers.arms.panda_shape import table
from controllers.arms.ur5e import ur5e
from controllers.arms.ur5e_shape import CAPSULES, FOOT, FOREARM, PAIRS, UPPER, WRIST_3, ur5e_shape
from controllers.guard.clearance import distance_of
from controllers.guard.collision import SPHERE, Obstacle, place
from controllers.guard.safe_reset import plan_home
from controllers.parameters.presets import PRESETS, preset
from robot_rl.core.errors import ActivationRefusedError

ARM = ur5e()


def ends_at(q):
    rot, pos, _ = ARM.frames(q)
    ends = np.zeros((len(CAPSULES), 2, 3))
    place(ur5e_shape(), rot, pos, ends)
    return ends


def test_the_masses_of_the_fr3_are_those_of_its_makers_description():
    arm = fr3(since_5_9=True)
    assert arm.masses[:6].sum() + BODIES[6][0] == pytest.approx(15.494801, abs=1e-6)
    assert arm.masses[6] == pytest.approx(BODIES[6][0] + 0.73 + 2 * 0.015), "with its hand"
    np.testing.assert_allclose(arm.forward(arm.home), panda().forward(arm.home), atol=1e-12)
    assert np.abs(np.diag(arm.mass_matrix(arm.home)) - np.diag(panda().mass_matrix(arm.home))).max() > 0.02


@pytest.mark.parametrize("number", range(7))
def test_every_body_of_the_fr3_can_exist(number):
    """A rigid body's principal moments are positive, and none exceeds the sum of the two others."""
    _, _, (xx, yy, zz, xy, xz, yz) = BODIES[number]
    moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    assert 0.0 < moments[2] <= moments[0] + moments[1] + 1e-6
    assert moments[0] > 0.0


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("arm", "period"), [(fr3(since_5_9=True), 0.001), (ARM, 0.002)], ids=["fr3", "ur5e"])
def test_every_preset_fits(name, arm, period):
    preset(name, period).record(arm)


def test_the_capsules_of_the_ur5e_run_from_joint_to_joint():
    rng = np.random.default_rng(0)
    for _ in range(5):
        q = rng.uniform(-np.pi, np.pi, 6)
        _, pos, flange = ARM.frames(q)
        ends = ends_at(q)
        assert np.linalg.norm(ends[UPPER, 1] - ends[UPPER, 0]) == pytest.approx(0.425)
        assert np.linalg.norm(ends[FOREARM, 1] - ends[FOREARM, 0]) == pytest.approx(0.3922)
        np.testing.assert_allclose(ends[WRIST_3, 1], flange[:3], atol=1e-12)
        np.testing.assert_allclose(ends[FOREARM, 0], pos[2], atol=0.01)


def test_the_ur5e_stands_free_at_home_and_cannot_fold_into_itself():
    shape = ur5e_shape([table()])
    assert distance_of(ARM, shape, ARM.home) > 0.05
    folded = np.array([0.0, -0.6, 2.9, 0.0, 0.0, 0.0])
    assert distance_of(ARM, shape, folded) < 0.0, "its wrist lies in its upper arm"
    down = np.array([0.0, 0.4, 0.0, 0.0, 0.0, 0.0])
    assert distance_of(ARM, shape, down) < 0.0, "its elbow lies in the table"
    assert (FOOT, WRIST_3) in PAIRS


def test_the_way_home_of_the_ur5e_keeps_clear():
    shape, q = ur5e_shape([table()]), ARM.home + np.array([0.5, 0.2, -0.2, 0.1, 0.0, 0.4])
    way = plan_home(ARM, shape, q, ARM.home, 0.02)
    np.testing.assert_array_equal(way[-1], ARM.home)
    ball = Obstacle(kind=SPHERE, pos=(0.47, -0.133, 0.588), size=(0.1, 0.0, 0.0))
    with pytest.raises(ActivationRefusedError, match="not free"):
        plan_home(ARM, ur5e_shape([ball]), q, ARM.home, 0.02)
