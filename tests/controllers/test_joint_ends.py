"""The repulsion at the joints' ends is a potential in V: its torque is the gradient, and it takes back no more."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.limits import add_limit_torque, fixed_energy
from controllers.law.measure import measure
from controllers.parameters.presets import preset

WIDE = replace(preset("rl_explore"), box_min=(-2.0, -2.0, -2.0), box_max=(2.0, 2.0, 2.0))


def energy(controller, q):
    measure(controller.model, controller.state, q, np.zeros(7))
    return fixed_energy(controller.model, controller.config, controller.state)


def test_the_torque_is_the_gradient_of_what_is_booked():
    controller, rng, arm = PassiveImpedance(panda(), WIDE), np.random.default_rng(0), panda()
    for _ in range(50):
        q = np.where(rng.random(7) < 0.5, arm.q_max, arm.q_min) + rng.uniform(-0.2, 0.2, 7)
        tau, slope = np.zeros(7), np.zeros(7)
        for i, axis in enumerate(np.eye(7)):
            slope[i] = (energy(controller, q + 1e-5 * axis) - energy(controller, q - 1e-5 * axis)) / 2e-5
        energy(controller, q)
        add_limit_torque(controller.model, controller.config, controller.state, tau)
        np.testing.assert_allclose(tau, -slope, atol=1e-6)
    inside = np.clip(arm.home, arm.q_min + 0.11, arm.q_max - 0.11)
    assert energy(controller, inside) == 0.0


def test_a_joint_thrown_at_its_end_is_stopped_before_it_and_comes_back(make_plant):
    plant = make_plant(replace(WIDE, null_stiffness=0.0, stiffness=(50.0, 5.0)))
    plant.data.qpos[:] = panda().home
    plant.data.qpos[3] = panda().q_max[3] - 0.12
    mujoco.mj_forward(plant.model, plant.data)
    plant.controller.reset(plant.data.qpos, plant.data.qvel)
    plant.data.qvel[3] = 1.2
    furthest, stored = -9.0, 0.0
    for _ in range(1500):
        plant.step()
        furthest = max(furthest, plant.data.qpos[3])
        stored = max(stored, float(plant.controller.state["V"]))
    end = panda().q_max[3]
    assert end - 0.1 < furthest < end
    assert stored > 0.01
    assert plant.data.qpos[3] < furthest - 0.01
    state = plant.controller.state
    assert state["T"] + state["V"] + state["work"] + state["discard"] == pytest.approx(state["budget"], abs=1e-9)
    assert state["violations"] == 0
