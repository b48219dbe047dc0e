"""Hard contacts: the springs soften, the reference stays out, the arm retracts; and singular postures."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.numeric.rotations import pose_add
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, Mode

LEVELS = replace(preset("rl_explore"), force_soft=8.0, force_hard=14.0)


def press(plant, seconds, depth=-0.02):
    forces = []
    for seq in range(round(seconds * 10)):
        pose = pose_add(plant.controller.state["goal"], np.array([0, 0, depth, 0, 0, 0.0]))
        command = Command(stamp=plant.now, seq=seq, valid_until=plant.now + 9.0, duration=0.1, pose=pose, gripper=0.0)
        try:
            plant.controller.submit(command, plant.now)
        except CommandRejectedError:
            pass
        for _ in range(100):
            plant.step()
            forces.append(np.linalg.norm(plant.controller.state["wrench"][:3]))
    return np.array(forces)


def test_a_soft_level_keeps_the_contact_gentle(make_plant):
    sustained = {}
    for name, config in (("off", preset("rl_explore")), ("on", LEVELS)):
        plant = make_plant(config, wall=True)
        sustained[name] = press(plant, 4.0)[-1000:].mean()
        assert plant.controller.state["violations"] == 0
        left = plant.controller.state
        assert abs(left["T"] + left["V"] + left["work"] + left["discard"] - left["budget"]) < 1e-9
    assert sustained["off"] > 15.0
    assert sustained["on"] < 13.0


def hold_against(plant, force, ticks):
    """The environment pushes the hand with a constant force."""
    hand = plant.model.body("hand").id
    jac = plant.controller.state["jacobian"]
    for _ in range(ticks):
        plant.data.xfrc_applied[hand, :3] = force
        tau = plant.controller.tick(plant.data.qpos, plant.data.qvel, jac[:3].T @ np.array(force), plant.data.time)
        plant.data.qfrc_applied[:] = tau
        mujoco.mj_step(plant.model, plant.data)


def test_at_the_hard_level_the_arm_brakes_and_gives_way(make_plant):
    plant = make_plant(replace(LEVELS, force_hard=20.0))
    state = plant.controller.state
    start = state["reference"].copy()
    hold_against(plant, [0.0, 24.0, 0.0], 300)
    assert state["force_level"] == 3
    assert state["mode"] == Mode.BRAKE
    assert 0.002 < state["reference"][1] - start[1] <= 0.02 * 0.3 * 1.01
    hold_against(plant, [0.0, 0.0, 0.0], 1500)
    assert state["force_level"] == 0
    assert state["soften"] == pytest.approx(1.0)
    assert state["mode"] == Mode.HOLD
    assert state["violations"] == 0


def test_levels_that_are_off_change_nothing(make_plant):
    ends = []
    for soft in (np.inf, 1e9):
        plant = make_plant(replace(preset("rl_explore"), force_soft=soft, force_hard=soft), wall=True)
        press(plant, 1.0)
        ends.append(plant.data.qpos.copy())
    np.testing.assert_array_equal(ends[0], ends[1])


def test_sigma_is_the_smallest_singular_value(make_plant):
    plant, rng = make_plant(preset("rl_explore")), np.random.default_rng(0)
    q = panda().home.copy()
    for _ in range(200):
        q += rng.normal(size=7) * 0.02
        for _ in range(8):  # far from singular postures it is computed in every eighth tick
            plant.controller.tick(q, np.zeros(7), np.zeros(7), 0.0)
        values = np.linalg.svd(panda().jacobian(q), compute_uv=False)
        assert plant.controller.state["sigma"] == pytest.approx(values[-1], rel=0.05, abs=1e-4)
        assert plant.controller.state["condition"] == pytest.approx(values[0] / values[-1], rel=0.05)


def test_a_stretched_arm_stays_finite_gentle_and_passive(make_plant):
    stretched = np.array([0.0, 0.3, 0.0, -0.22, 0.0, 0.05, 0.8])
    config = replace(preset("rl_explore"), box_max=(1.0, 0.5, 1.3), k_max=(1000.0, 50.0))
    arm = panda()
    plant = make_plant(config, arm=arm)
    plant.data.qpos[:] = stretched
    plant.controller.reset(plant.data.qpos, plant.data.qvel)
    assert plant.controller.state["sigma"] < 0.04
    press(plant, 2.0, depth=0.02)
    state = plant.controller.state
    assert np.all(np.isfinite(state["tau"]))
    assert np.abs(np.array(plant.torques)).max() < 40.0
    assert plant.work().max() <= state["budget"]
    assert state["mode"] != Mode.FAULT


def test_the_task_inertia_is_bounded_in_a_singular_posture():
    """A straight arm: without damping the inertia along it is a million kilogrammes."""
    controller = PassiveImpedance(panda(), preset("rl_explore"))
    q = np.array([0.0, 0.0, 0.0, -0.07, 0.0, 0.0, 0.0])
    controller.reset(q, np.zeros(7))
    factor = np.tril(controller.state["task_chol"])
    mobility = factor @ factor.T
    assert 1.0 / np.linalg.eigvalsh(mobility).min() < 150.0
