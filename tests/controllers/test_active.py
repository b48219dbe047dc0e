"""Compensation and feed-forward are paid for: they act, they are scaled, and the budget holds."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.arms.bias import bias_into
from controllers.arms.panda import panda
from controllers.parameters.presets import preset
from robot_rl.core.records import Command, Mode

FRICTION = {"friction_coulomb": (0.4,) * 7, "friction_viscous": (0.3,) * 7}


def push(plant, wrench, seq=1, valid=9.0):
    pose = plant.controller.state["goal"].copy()
    command = Command(
        stamp=plant.now, seq=seq, valid_until=plant.now + valid, duration=0.1, pose=pose, gripper=0.0,
        feed_forward=np.array(wrench, dtype=float),
    )  # fmt: skip
    plant.controller.submit(command, plant.now)


def test_coriolis_torques_are_those_of_mujoco(make_plant):
    plant, rng = make_plant(preset("rl_explore")), np.random.default_rng(0)
    controller, out = plant.controller, np.zeros(7)
    for _ in range(20):
        plant.data.qpos[:] = panda().home + rng.uniform(-0.5, 0.5, 7)
        plant.data.qvel[:] = rng.uniform(-2, 2, 7)
        mujoco.mj_forward(plant.model, plant.data)
        controller.reset(plant.data.qpos, plant.data.qvel)
        bias_into(controller.model, controller.state, out)
        np.testing.assert_allclose(out, plant.data.qfrc_bias, atol=1e-7)


def test_a_feed_forward_wrench_comes_slowly_and_stays_in_its_box(make_plant):
    plant = make_plant(replace(preset("rl_explore"), feed_forward_max=(15.0, 2.0)))
    state = plant.controller.state
    push(plant, [0.0, 0.0, 99.0, 0.0, 0.0, 0.0])
    plant.step(11)
    assert state["feed_forward"][2] == pytest.approx(200.0 * 0.011)
    plant.step(200)
    assert state["feed_forward"][2] == 15.0
    lift = state["ee_pose"][2] - state["reference"][2]
    assert 0.01 < lift < 15.0 / 600.0 * 1.5
    plant.step(2000)
    np.testing.assert_allclose(plant.data.qvel, 0.0, atol=1e-3)
    plant.controller.state["valid_until"] = -1.0
    plant.step(200)
    np.testing.assert_array_equal(state["feed_forward"], 0.0)


def test_active_power_is_scaled_to_what_the_tank_gives(make_plant):
    config = replace(preset("rl_explore"), coriolis=1.0, P_max=2.0, **FRICTION)
    plant = make_plant(config)
    plant.data.qvel[:] = 1.0
    plant.step()
    state = plant.controller.state
    power = state["gamma_active"] * state["tau_active"] @ state["dq"]
    assert 0.0 < state["gamma_active"] < 1.0
    assert power <= config.P_max * (1 + 1e-9)
    state["T"] = 0.0
    plant.step()
    assert state["gamma_active"] == 0.0 or state["tau_active"] @ state["dq"] <= 0.0


@pytest.mark.parametrize("limit", [1.0, 0.2])
def test_the_budget_holds_with_everything_active(make_plant, limit):
    config = replace(
        preset("rl_explore"), coriolis=1.0, velocity_feed_forward=1.0, friction_scale=1.0, T0=limit, P_max=2.0,
        T_res=0.1, wrench_max=(10.0, 2.0), **FRICTION,
    )  # fmt: skip
    plant = make_plant(config, wall=True)
    state, identity = plant.controller.state, []
    for step in range(60):
        twist = np.sign(state["ee_twist"] + 1e-9) * np.array([15.0, 15.0, 15.0, 2.0, 2.0, 2.0])
        push(plant, twist, seq=step)
        for _ in range(50):
            plant.step()
            identity.append(state["T"] + state["V"] + state["work"] + state["discard"] - state["budget"])
    assert plant.work().max() <= state["budget"]
    assert state["violations"] == 0
    assert np.abs(identity).max() < 1e-9
    assert state["mode"] != Mode.FAULT


def test_following_the_velocity_tracks_closer(make_plant):
    lag = []
    for share in (0.0, 1.0):
        plant = make_plant(replace(preset("rl_explore"), velocity_feed_forward=share))
        pose = plant.controller.state["goal"].copy()
        for step in range(10):
            pose[1] += 0.02
            plant.controller.submit(
                Command(stamp=plant.now, seq=step, valid_until=9.0, duration=0.1, pose=pose.copy(), gripper=0.0),
                plant.now,
            )
            plant.step(100)
        lag.append(np.linalg.norm(plant.controller.state["error"][:3]))
    assert lag[1] < 0.5 * lag[0]
