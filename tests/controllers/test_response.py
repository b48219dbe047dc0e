"""The closed loop on a grid of postures: no overshoot at zeta = 1, and the frequency response of its modes."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from scipy.linalg import eigh

from controllers.arms.panda import HOME, panda
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import preset

CONFIG = replace(
    preset("rl_explore"),
    zeta=1.0,
    null_stiffness=0.0,
    box_min=(-1.0, -1.0, -1.0),
    box_max=(1.0, 1.0, 1.5),
    tau_rate=1e3,
)
GRID = [
    np.array(HOME) + np.array(offset)
    for offset in (
        [0.0] * 7,
        [0.4, 0.2, 0.0, 0.3, 0.0, 0.2, 0.0],
        [-0.4, -0.2, 0.3, -0.2, 0.4, 0.0, 0.5],
        [0.0, 0.4, -0.3, 0.5, -0.4, 0.3, -0.5],
        [0.2, -0.3, 0.0, 0.4, 0.5, -0.3, 0.3],
    )
]
STEP = np.repeat([0.004, 0.02], 3)
"""Of the reference, well inside the springs' clip [m, rad]."""


@pytest.fixture
def at(make_plant):
    """at(q): an arm without friction that rests at ``q``."""

    def place(q):
        plant = make_plant(CONFIG, arm=replace(panda(), joint_damping=np.zeros(7)))
        plant.data.qpos[:] = q
        mujoco.mj_forward(plant.model, plant.data)
        plant.controller.reset(plant.data.qpos, plant.data.qvel)
        return plant

    return place


def put_reference(plant, start, delta):
    for name in ("reference", "goal"):
        plant.controller.state[name] = pose_add(start, delta)


@pytest.mark.parametrize("posture", range(len(GRID)))
def test_a_step_overshoots_less_than_five_per_cent(at, posture):
    for axis in range(6):
        plant, delta = at(GRID[posture]), STEP[axis] * np.eye(6)[axis]
        start, way = plant.controller.state["reference"].copy(), []
        put_reference(plant, start, delta)
        for _ in range(1300):
            plant.step()
            way.append(pose_error(plant.controller.state["ee_pose"], start)[axis] / STEP[axis])
        assert max(way) < 1.05, f"axis {axis}"
        assert way[-1] == pytest.approx(1.0, abs=0.03), f"axis {axis}"


def response(plant, direction, omega, size):
    """Complex gain from a sine of the reference along ``direction`` (6,) to the arm's motion along it."""
    start, period, dual = plant.controller.state["reference"].copy(), 0.001, direction / (direction @ direction)
    settle, measured = round(1.5 / period), round(4 * 2 * np.pi / omega / period)
    wave, way = [], []
    for k in range(settle + measured):
        put_reference(plant, start, size * np.sin(omega * k * period) * direction)
        plant.step()
        wave.append(np.exp(-1j * omega * k * period))
        way.append(pose_error(plant.controller.state["ee_pose"], start) @ dual)
    return 2j * np.mean(np.array(way[settle:]) * np.array(wave[settle:])) / size


@pytest.mark.parametrize("mode", [0, 2, 5])
def test_every_mode_answers_like_a_critically_damped_oscillator(at, mode):
    """At its natural frequency the gain is 1/2 and the phase -90 degrees; at a third of it, 0.9 and -37 degrees."""
    arm = panda()
    jac = arm.jacobian(GRID[0])
    inertia = np.linalg.inv(jac @ np.linalg.solve(arm.mass_matrix(GRID[0]), jac.T))
    squares, modes = eigh(np.diag(np.repeat(CONFIG.stiffness, 3)), inertia)
    omega, direction = np.sqrt(squares[mode]), modes[:, mode] / np.abs(modes[:, mode] / STEP).max()
    for share in (1.0 / 3.0, 1.0):
        expected = 1.0 / (1.0 + 1j * share) ** 2
        found = response(at(GRID[0]), direction, share * omega, 0.5)
        assert abs(found - expected) < 0.06, f"{share}: {found} instead of {expected}"
