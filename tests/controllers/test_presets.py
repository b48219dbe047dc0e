"""Rotational conventions, what presets promise, tightening while active, and the limits of the FR3."""

import math
from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.fr3 import fr3
from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.limits import speed_limits
from controllers.parameters.conventions import effective_stiffness, small_angle, small_angle_stiffness
from controllers.parameters.presets import preset
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Mode


def test_rotational_conventions_are_converted():
    theta = 1e-4
    assert small_angle_stiffness(150.0, "quaternion_vector") * theta == pytest.approx(150.0 * math.sin(theta / 2))
    assert small_angle_stiffness(30.0, "rotation_vector") == 30.0
    assert math.sin(small_angle(0.05, "quaternion_vector") / 2) == pytest.approx(0.05)
    assert preset("serl").stiffness == (2000.0, 75.0)
    with pytest.raises(ConfigError, match="rotation_vector"):
        small_angle_stiffness(1.0, "rotation_vecto")


def test_the_effective_stiffness_is_said_in_words():
    text = effective_stiffness(preset("serl"))
    assert "2000 N/m" in text
    assert "75 N m/rad" in text
    assert "0.01 m with 20 N" in text
    assert "strictly passive, at most 5 J" in text
    assert "not strictly passive" in effective_stiffness(replace(preset("crisp"), refill_power=1.0))
    assert "not at the joints" in effective_stiffness(replace(preset("crisp"), friction_credit=(0.1,) * 7))
    assert "no guarantee" in effective_stiffness(replace(preset("crisp"), filter_enabled=False))


def test_taught_by_hand_nothing_pulls_back(make_plant):
    plant = make_plant(preset("teach"))
    hand = plant.model.body("hand").id
    for k in range(600):
        plant.data.xfrc_applied[hand, :3] = [0.0, 3.0, 0.0] if k < 400 else 0.0
        plant.step()
    moved = plant.controller.state["ee_pose"][1]
    plant.step(1500)
    assert abs(plant.controller.state["ee_pose"][1]) >= abs(moved) > 0.01
    assert plant.controller.state["violations"] == 0


TIGHT = {"wrench_max": (10.0, 2.0), "v_max": (0.1, 0.4), "k_max": (500.0, 20.0), "stiffness": (400.0, 20.0)}
LOOSE = {"k_max": (1100.0, 50.0), "box_max": (0.9, 0.5, 0.8), "kinetic_max": 1.1, "T_max": 4.1, "filter_enabled": False,
         "period": 0.002, "interpolator": "linear", "omega": 50.0, "tau_max": (87.0,) * 4 + (12.0,) * 3}  # fmt: skip


def test_bounds_may_tighten_while_the_arm_moves(make_plant):
    plant = make_plant(preset("rl_explore"), wall=True)
    plant.step(100)
    plant.controller.tighten(replace(plant.controller.settings, **TIGHT, spheres=((0.3, 0.4, 0.4, 0.1),)))
    state = plant.controller.state
    plant.step(200)
    np.testing.assert_array_equal(state["stiffness"], [500.0] * 3 + [20.0] * 3)
    assert abs(state["T"] + state["V"] + state["work"] + state["discard"] - state["budget"]) < 1e-12
    assert state["mode"] == Mode.HOLD
    with pytest.raises(ConfigError, match="deactivate the arm"):
        plant.controller.tighten(preset("rl_explore"))


@pytest.mark.parametrize("name", [name for name in LOOSE if name != "tau_max"])
def test_no_bound_may_loosen(name):
    controller = PassiveImpedance(panda(), preset("rl_explore"))
    before = controller.config.tobytes()
    with pytest.raises(ConfigError, match=rf"{name} may not change"):
        controller.tighten(replace(controller.settings, **{name: LOOSE[name]}))
    assert controller.config.tobytes() == before


@pytest.mark.parametrize("since", [False, True])
def test_the_fr3_is_slower_near_the_ends(since):
    arm = fr3(since)
    preset("rl_explore").record(arm)
    model = arm.record()
    for i in range(7):
        middle = 0.5 * (arm.q_min[i] + arm.q_max[i])
        low, high = speed_limits(model, middle, i)
        assert high <= arm.dq_max[i]
        assert low < -1.0
        assert 0.0 <= speed_limits(model, arm.q_max[i], i)[1] < 0.3
        assert -0.3 < speed_limits(model, arm.q_min[i], i)[0] <= 0.0
    assert speed_limits(model, arm.q_max[0] + 0.1, 0)[1] == 0.0
    if not since:
        q = 2.5
        assert speed_limits(model, q, 0)[1] == pytest.approx(-0.30 + math.sqrt(12.0 * (2.7501 - q)))
    assert speed_limits(panda().record(), 2.8, 0) == (-2.175, 2.175)


def test_a_joint_too_fast_for_its_place_is_slowed_down(make_plant):
    arm = fr3()
    plant = make_plant(preset("rl_explore"), arm=arm)
    plant.data.qpos[6] = arm.q_max[6] - 0.12
    plant.controller.reset(plant.data.qpos, plant.data.qvel)
    plant.data.qvel[6] = 3.0
    limit = speed_limits(plant.controller.model, plant.data.qpos[6], 6)[1]
    assert limit < 2.0
    plant.step(10)
    assert plant.controller.state["tau"][6] < -1.0
