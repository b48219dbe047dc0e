"""Any symmetric stiffness, in any frame: its energy is a potential, its wrench its gradient, its change is paid for."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.law.impedance import damping_wrench_into
from controllers.law.stiffness import elastic_energy, elastic_wrench, matrix_into, task_stiffness_into
from controllers.numeric.rotations import pose_add, pose_error, quat_to_matrix, rotvec_to_quat
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, StiffnessFrame

UPPER = np.triu_indices(6)
WIDE = replace(preset("rl_explore"), k_min=(0.0, 0.0), task_quat=tuple(rotvec_to_quat(np.array([0.3, -0.2, 0.5]))))


def command(plant, stiffness, frame=StiffnessFrame.BASE, seq=1):
    return Command(
        stamp=plant.now, seq=seq, valid_until=plant.now + 9.0, duration=0.1, gripper=0.0, stiffness=stiffness,
        pose=plant.controller.state["goal"].copy(), stiffness_frame=frame,
    )  # fmt: skip


def coupled(rng):
    """A random positive stiffness within the range of ``WIDE``, translation and rotation coupled."""
    scale = np.diag([1.0, 1.0, 1.0, 0.2, 0.2, 0.2])
    a = rng.normal(size=(6, 6))
    q, _ = np.linalg.qr(a)
    return scale @ q @ np.diag(rng.uniform(100.0, 900.0, 6)) @ q.T @ scale


def at_rest(make_plant, config, stiffness, frame):
    plant = make_plant(config)
    plant.controller.submit(command(plant, stiffness, frame), plant.now)
    plant.step(3)
    return plant


@pytest.mark.parametrize("frame", list(StiffnessFrame))
def test_the_matrix_that_was_asked_for_is_the_one_that_acts(make_plant, frame):
    rng = np.random.default_rng(3)
    k = coupled(rng)
    plant = at_rest(make_plant, WIDE, k[UPPER], frame)
    state, out = plant.controller.state, np.zeros((6, 6))
    task_stiffness_into(state, out)
    turn = {0: np.eye(3), 1: quat_to_matrix(np.array(WIDE.task_quat)), 2: quat_to_matrix(state["reference"][3:].copy())}
    turn = np.kron(np.eye(2), turn[int(frame)])
    np.testing.assert_allclose(out, turn @ k @ turn.T, atol=1e-6)


@pytest.mark.parametrize("frame", list(StiffnessFrame))
@pytest.mark.parametrize("size", [0.2, 2.0], ids=["inside", "beyond"])
def test_the_wrench_is_the_gradient_of_the_energy(make_plant, frame, size):
    rng = np.random.default_rng(4)
    plant = at_rest(make_plant, WIDE, coupled(rng)[UPPER], frame)
    config, state, wrench = plant.controller.config, plant.controller.state, np.zeros(6)
    clip, cap = np.array(WIDE.clip), np.array(WIDE.wrench_max)

    def energy(ee, reference):
        error = pose_error(ee, reference)
        return elastic_energy(error, reference[3:], state["stiffness"], state["axes"], clip, cap)

    for _ in range(30):
        reference = pose_add(np.array([0.4, 0.0, 0.3, 0.0, 0.0, 0.0, 1.0]), rng.normal(size=6))
        ee = pose_add(reference, size * rng.uniform(-1, 1, 6) * np.repeat([0.03, 0.3], 3))
        state["reference"], state["error"] = reference, pose_error(ee, reference)
        elastic_wrench(config, state, wrench)
        assert np.abs(wrench[:3]).max() <= cap[0] + 1e-9
        for axis in np.eye(6):
            h = 1e-6
            slope = (energy(pose_add(ee, h * axis), reference) - energy(pose_add(ee, -h * axis), reference)) / (2 * h)
            assert wrench @ axis == pytest.approx(-slope, abs=1e-6 * np.abs(wrench).max() + 1e-6)


def test_six_numbers_act_along_the_axes_of_the_tool(make_plant):
    k = np.array([900.0, 100.0, 400.0, 40.0, 10.0, 20.0])
    state = at_rest(make_plant, WIDE, k, StiffnessFrame.TOOL).controller.state
    out = np.zeros((6, 6))
    matrix_into(state["stiffness"], state["axes"], out)
    np.testing.assert_allclose(out, np.diag(k), atol=1e-9)
    assert state["axes"][6, 0] == 2.0


def test_damping_fits_a_coupled_stiffness(make_plant):
    k = coupled(np.random.default_rng(5))
    plant = at_rest(make_plant, WIDE, k[UPPER], StiffnessFrame.BASE)
    state, arm = plant.controller.state, plant.controller.arm
    q, damping = plant.data.qpos.copy(), np.zeros((6, 6))
    for i, axis in enumerate(np.eye(6)):
        damping_wrench_into(state, WIDE.zeta, axis, damping[i])
    jac = arm.jacobian(q)
    inertia = np.linalg.inv(jac @ np.linalg.solve(arm.mass_matrix(q), jac.T) + 1e-6 * np.eye(6))
    low = np.linalg.solve(inertia, np.hstack([-k, damping]))
    poles = np.linalg.eigvals(np.vstack([np.hstack([np.zeros((6, 6)), np.eye(6)]), low]))
    np.testing.assert_allclose(-poles.real / np.abs(poles), WIDE.zeta, rtol=1e-3)


def test_bad_matrices_are_refused_and_wild_ones_clamped(make_plant):
    plant = make_plant(preset("rl_explore"))
    bad = np.diag([600.0, 600.0, -600.0, 30.0, 30.0, 30.0])[UPPER]
    for seq, k in enumerate([bad, np.full(21, np.nan), np.array([600.0] * 5 + [1e6]), np.ones(7)]):
        with pytest.raises(CommandRejectedError):
            plant.controller.submit(command(plant, k, seq=seq), plant.now)
    wild = np.diag([1e6, 1e6, 0.0, 1e6, 30.0, 0.0])[UPPER]
    plant.controller.submit(command(plant, wild, seq=9), plant.now)
    np.testing.assert_allclose(np.sort(plant.controller.state["stiffness_goal"]), [5, 30, 50, 50, 1000, 1000])


@pytest.mark.parametrize("frame", list(StiffnessFrame))
def test_a_pump_of_matrices_is_paid_for(make_plant, frame):
    rng = np.random.default_rng(6)
    config = replace(WIDE, k_max=(3000.0, 200.0), T0=0.5, P_max=5.0, wrench_max=(30.0, 4.0), clip=(0.05, 0.3))
    plant = make_plant(config, wall=True)
    state = plant.controller.state
    for step in range(60):
        way = np.concatenate([0.06 * rng.normal(size=2), [-0.05 * (-1) ** step], rng.normal(size=3) * 0.2])
        pose = pose_add(state["goal"], way)
        k = coupled(rng) * (3.0 if step % 2 else 0.2)
        base = command(plant, k[UPPER], frame if step % 3 else StiffnessFrame.BASE, seq=step)
        try:
            plant.controller.submit(replace(base, pose=pose), plant.now)
        except CommandRejectedError:
            pass
        for _ in range(40):
            plant.step()
            assert state["T"] + state["V"] >= 0.0
            assert state["draw"] <= config.P_max * config.period * (1 + 1e-9)
    assert state["accepted"] > 40
    assert plant.work().max() <= state["budget"]
    left = state["T"] + state["V"] + state["work"] + state["discard"] - state["budget"]
    assert abs(left) < 1e-9


def test_softness_is_paid_for_too(make_plant):
    plant = make_plant(preset("rl_explore"), wall=True)
    state = plant.controller.state
    base = command(plant, np.array([1000.0, 50.0]))
    plant.controller.submit(replace(base, pose=base.pose - np.array([0, 0, 0.08, 0, 0, 0, 0.0])), plant.now)
    plant.step(800)
    assert state["elastic"] > 0.05
    state["soften_goal"] = 0.0
    plant.step(5)
    assert state["soften"] == 0.0
    assert np.abs(state["spring_wrench"]).max() < 1e-9
    tank = float(state["T"])
    state["soften_goal"] = 1.0
    softness = []
    for _ in range(1000):
        plant.step()
        softness.append(float(state["soften"]))
    assert np.diff(softness).max() <= 2.0 * 0.001 + 1e-12
    assert softness[-1] == pytest.approx(1.0)
    assert state["T"] < tank
