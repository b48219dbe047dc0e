"""The promise: the work done on the arm never exceeds the energy the controller started with."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.numeric.rotations import pose_add
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, Mode

INFINITE = {"T0": 1e300, "T_max": np.inf, "P_max": np.inf, "kinetic_max": np.inf}
BOLD = replace(
    preset("rl_explore"), k_max=(3000.0, 300.0), wrench_max=(60.0, 8.0), clip=(0.1, 0.5), v_max=(0.3, 1.0),
    a_max=(20.0, 60.0), leash=(0.3, 1.5), lead_max=(0.3, 1.5), T0=2.0, P_max=20.0, T_res=0.4, kinetic_max=5.0,
)  # fmt: skip


def random_jumps(plant, rng, step):
    delta = np.concatenate([rng.uniform(-0.17, 0.17, 3), rng.uniform(-0.8, 0.8, 3)])
    return delta, rng.uniform([50.0, 5.0], [3000.0, 300.0])


def bang_bang(plant, rng, step):
    twist = plant.controller.state["ee_twist"]
    return np.concatenate([0.15 * np.sign(twist[:3] + 1e-9), 0.7 * np.sign(twist[3:])]), np.array([3000.0, 300.0])


def stiffness_pump(plant, rng, step):
    state = plant.controller.state
    returning = state["error"][:3] @ state["ee_twist"][:3] < 0
    delta = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    delta[step // 4 % 3] = 0.25 * (-1) ** (step // 2)
    return delta, np.array([3000.0, 300.0]) if returning else np.array([50.0, 5.0])


def pressing(plant, rng, step):
    return np.array([0.0, 0.0, -0.25 if step % 3 else 0.25, 0.0, 0.0, 0.0]), np.array([3000.0, 100.0])


def flips(plant, rng, step):
    axis = rng.normal(size=3)
    return np.concatenate([np.zeros(3), 1.5 * axis / np.linalg.norm(axis)]), np.array([1000.0, 300.0])


POLICIES = [random_jumps, bang_bang, stiffness_pump, pressing, flips]


def drive(plant, policy, seconds, rate, seed=0):
    rng = np.random.default_rng(seed)
    ticks = round(1.0 / rate / plant.controller.settings.period)
    checks = []
    for step in range(round(seconds * rate)):
        delta, stiffness = policy(plant, rng, step)
        pose = pose_add(plant.controller.state["reference"], delta)
        command = Command(
            stamp=plant.now, seq=step, valid_until=plant.now + 0.2, duration=0.0, pose=pose, gripper=0.0,
            stiffness=stiffness,
        )  # fmt: skip
        try:
            plant.controller.submit(command, plant.now)
        except CommandRejectedError:
            pass
        for _ in range(ticks):
            before = plant.controller.state["T"].copy()
            plant.step()
            checks.append(invariants(plant.controller, before))
    return np.array(checks)


def invariants(controller, tank_before):
    s = controller.state
    left = s["T"] + s["V"] + s["work"] + s["discard"] - s["budget"]
    return [left, s["T"] + s["V"], s["barrier"], s["T"] - controller.settings.T_max, s["draw"]]


@pytest.mark.parametrize("rate", [10, 50])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
@pytest.mark.parametrize("wall", [False, True], ids=["free", "wall"])
def test_adversaries_never_get_more_than_the_budget(make_plant, policy, rate, wall):
    plant = make_plant(BOLD, wall=wall)
    checks = drive(plant, policy, 2.0, rate)
    work, state = plant.work(), plant.controller.state
    assert work.max() <= state["budget"]
    assert state["violations"] == 0
    assert state["mode"] != Mode.FAULT
    np.testing.assert_allclose(state["work"], work[-2], atol=1e-9)
    assert np.abs(checks[:, 0]).max() <= 1e-9 * (1 + np.abs(np.diff(work)).sum())
    assert checks[:, 1].min() >= 0.0
    assert checks[:, 2].min() >= -1e-12
    assert checks[:, 3].max() <= 1e-12
    assert checks[:, 4].max() <= BOLD.P_max * BOLD.period * (1 + 1e-9)


def test_without_the_filter_an_adversary_breaks_the_budget(make_plant):
    broken = 0
    for policy in (random_jumps, stiffness_pump, bang_bang):
        plant = make_plant(replace(BOLD, filter_enabled=False, wrench_max=(300.0, 50.0), v_max=(1.0, 3.0)))
        drive(plant, policy, 2.0, 10)
        work = plant.work()
        assert plant.controller.state["violations"] == int((work[:-1] > 2.0).sum())
        broken += work.max() > 2.0
    assert broken >= 2


@pytest.mark.parametrize("policy", [random_jumps, pressing], ids=lambda p: p.__name__)
def test_filter_with_infinite_budget_is_no_filter_bit_for_bit(make_plant, policy):
    runs = []
    for enabled in (True, False):
        plant = make_plant(replace(BOLD, **INFINITE, filter_enabled=enabled), wall=True)
        drive(plant, policy, 1.0, 20)
        runs.append((np.array(plant.torques), np.array(plant.positions), plant.controller.state["reference"].copy()))
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["rl_explore", "precise", "human_near"])
@pytest.mark.parametrize("period", [0.001, 0.002])
def test_presets_hold_the_budget_in_contact(make_plant, name, period):
    config = preset(name, period)
    plant = make_plant(config, wall=True)
    stiffness = np.array(config.k_max)

    def press(plant, rng, step):
        delta = np.concatenate([rng.uniform(-0.05, 0.05, 2), [-0.08], rng.uniform(-0.2, 0.2, 3)])
        return delta, stiffness

    checks = drive(plant, press, 3.0, 10)
    assert plant.work().max() <= config.T0
    assert checks[:, 1].min() >= 0.0
    assert plant.controller.state["violations"] == 0
    assert 1.0 < plant.controller.state["peak_force"] < 200.0


def test_a_benign_motion_is_not_touched(make_plant):
    plant = make_plant(preset("rl_explore"))
    start = plant.controller.state["goal"].copy()
    alphas = []
    for step in range(30):
        angle = step / 10.0
        pose = start.copy()
        pose[:3] += 0.05 * np.array([np.cos(angle) - 1.0, np.sin(angle), 0.0])
        plant.controller.submit(
            Command(stamp=plant.now, seq=step, valid_until=plant.now + 0.2, duration=0.1, pose=pose, gripper=0.0),
            plant.now,
        )
        plant.step(100)
        alphas.append(plant.controller.state["scale"])
        np.testing.assert_array_equal(plant.controller.state["goal"][:3], pose[:3])
    assert min(alphas) == 1.0
    assert plant.controller.state["mode"] == Mode.ACTIVE


def test_an_outside_push_is_no_violation_and_the_arm_comes_to_rest(make_plant):
    plant = make_plant(preset("rl_explore"))
    hand = plant.model.body("hand").id
    for k in range(3000):
        plant.data.xfrc_applied[hand, :3] = [0.0, 25.0 * np.sin(k / 150.0), 0.0] if k < 2000 else 0.0
        plant.step()
    state = plant.controller.state
    assert state["violations"] == 0
    assert state["T"] + state["V"] > 0.0
    plant.step(2500)
    assert state["kinetic"] < 1e-6
