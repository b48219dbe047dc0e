"""What is refused, that it is counted, and that the arm then holds; and how commands become motion."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, Mode, Source


def moved(plant, delta, **changes):
    pose = pose_add(plant.controller.state["goal"], np.array(delta, dtype=float))
    base = Command(stamp=plant.now, seq=1, valid_until=plant.now + 5.0, duration=0.1, pose=pose, gripper=0.04)
    return replace(base, **changes)


def with_pose(command, index, value):
    pose = command.pose.copy()
    pose[index] = value
    return replace(command, pose=pose)


BAD = {
    "nan position": lambda c: with_pose(c, 0, np.nan),
    "infinite position": lambda c: with_pose(c, 2, np.inf),
    "huge position": lambda c: with_pose(c, 1, 1e308),
    "nan quaternion": lambda c: with_pose(c, 5, np.nan),
    "zero quaternion": lambda c: replace(c, pose=np.array([*c.pose[:3], 0.0, 0.0, 0.0, 0.0])),
    "long quaternion": lambda c: replace(c, pose=np.array([*c.pose[:3], *(1.02 * c.pose[3:])])),
    "nan gripper": lambda c: replace(c, gripper=np.nan),
    "nan duration": lambda c: replace(c, duration=np.nan),
    "negative duration": lambda c: replace(c, duration=-1.0),
    "nan stamp": lambda c: replace(c, stamp=np.nan),
    "endless": lambda c: replace(c, valid_until=np.inf),
    "expired": lambda c: replace(c, valid_until=c.stamp - 1.0),
    "too far": lambda c: replace(c, pose=pose_add(c.pose, np.array([0.31, 0.0, 0.0, 0.0, 0.0, 0.0]))),
    "turned too far": lambda c: replace(c, pose=pose_add(c.pose, np.array([0.0, 0.0, 0.0, 0.0, 1.7, 0.0]))),
    "too stiff": lambda c: replace(c, stiffness=np.array([1e6, 30.0])),
    "too soft": lambda c: replace(c, stiffness=np.array([600.0, 1.0])),
    "nan stiffness": lambda c: replace(c, stiffness=np.array([np.nan, 30.0])),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD.keys())
def test_bad_commands_are_refused_counted_and_the_arm_holds(make_plant, spoil):
    plant = make_plant(preset("rl_explore"))
    plant.controller.submit(moved(plant, [0.05, 0, 0, 0, 0, 0]), plant.now)
    plant.step(150)
    state = plant.controller.state
    bad = spoil(replace(moved(plant, [0.0, 0.01, 0, 0, 0, 0]), seq=2))
    with pytest.raises(CommandRejectedError, match=r"command 2 was refused, .*: ") as caught:
        plant.controller.submit(bad, plant.now)
    assert "\n" not in str(caught.value)
    assert (state["rejected"], state["accepted"]) == (1, 1)
    assert np.isfinite(state["goal"]).all()
    stop = state["goal"].copy()
    plant.step(1500)
    assert state["mode"] == Mode.HOLD
    np.testing.assert_allclose(state["reference"], stop, atol=1e-6)
    np.testing.assert_allclose(state["ee_pose"][:3], stop[:3], atol=1e-3)
    plant.controller.submit(replace(moved(plant, [0.01, 0, 0, 0, 0, 0]), seq=3), plant.now)


def test_old_and_repeated_commands_are_counted_but_change_nothing(make_plant):
    plant = make_plant(preset("rl_explore"))
    plant.controller.submit(replace(moved(plant, [0.03, 0, 0, 0, 0, 0]), seq=7), plant.now)
    goal = plant.controller.state["goal"].copy()
    for seq in (7, 3):
        with pytest.raises(CommandRejectedError, match="not newer"):
            plant.controller.submit(replace(moved(plant, [0, 0.02, 0, 0, 0, 0]), seq=seq), plant.now)
    np.testing.assert_array_equal(plant.controller.state["goal"], goal)
    assert plant.controller.state["rejected"] == 2
    plant.controller.submit(replace(moved(plant, [0, 0.02, 0, 0, 0, 0]), seq=3, source=Source.HUMAN), plant.now)
    assert plant.controller.state["source"] == Source.HUMAN


def test_a_quaternions_sign_does_not_matter(make_plant):
    ends = []
    for sign in (1.0, -1.0):
        plant = make_plant(preset("rl_explore"))
        command = moved(plant, [0.02, 0, 0, 0.1, 0, 0.2])
        pose = np.concatenate([command.pose[:3], sign * command.pose[3:]])
        plant.controller.submit(replace(command, pose=pose), plant.now)
        plant.step(300)
        ends.append(plant.data.qpos.copy())
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-12)


@pytest.mark.parametrize("name", ["rl_explore", "precise", "human_near"])
@pytest.mark.parametrize("period", [0.001, 0.002])
def test_a_five_centimetre_command_arrives(make_plant, name, period):
    plant = make_plant(preset(name, period))
    command = moved(plant, [0.03, -0.04, 0.0, 0, 0, 0.15])
    plant.controller.submit(command, plant.now)
    plant.step(round(2.5 / period))
    error = pose_error(plant.controller.state["ee_pose"], command.pose)
    assert np.linalg.norm(error[:3]) < 3e-3
    assert np.linalg.norm(error[3:]) < 0.02
    assert plant.controller.state["violations"] == 0


def test_silence_makes_the_arm_hold_in_time(make_plant):
    plant = make_plant(preset("rl_explore"))
    plant.controller.submit(replace(moved(plant, [0.05, 0, 0, 0, 0, 0]), valid_until=0.05), plant.now)
    state = plant.controller.state
    plant.step(150)
    assert state["mode"] == Mode.ACTIVE
    plant.step(2)
    assert state["mode"] == Mode.HOLD
    plant.step(500)
    np.testing.assert_allclose(state["reference"], state["goal"], atol=1e-5)


def test_the_goal_stays_in_the_workspace(make_plant):
    config = replace(preset("rl_explore"), box_max=(0.32, 0.5, 0.8))
    plant = make_plant(config)
    plant.controller.submit(moved(plant, [0.05, 0, 0, 0, 0, 0]), plant.now)
    assert plant.controller.state["goal"][0] == 0.32


def test_a_goal_that_runs_ahead_is_shortened_not_rejected(make_plant):
    plant = make_plant(preset("human_near"))
    state = plant.controller.state
    for seq in range(8):
        plant.controller.submit(replace(moved(plant, [0, 0.05, 0, 0, 0, 0]), seq=seq), plant.now)
        assert np.linalg.norm(pose_error(state["goal"], state["reference"])[:3]) <= 0.1 + 1e-12
        plant.step(100)
    assert state["rejected"] == 0


def test_what_is_withheld_is_taken_off_the_goal(make_plant):
    plant = make_plant(preset("rl_explore"), wall=True)
    state = plant.controller.state
    for seq in range(20):
        plant.controller.submit(replace(moved(plant, [0, 0, -0.03, 0, 0, 0]), seq=seq), plant.now)
        plant.step(100)
    assert state["rejected"] == 0
    plant.step(500)
    lead = state["ee_pose"][2] - state["goal"][2]
    assert 0.0 < lead <= plant.controller.settings.leash[0] + 0.01  # the arm bounces
    np.testing.assert_allclose(state["reference"][:3], state["goal"][:3], atol=1e-4)


def test_a_sensor_that_fails_brings_the_torque_to_zero_and_latches(make_plant):
    plant = make_plant(preset("rl_explore"), wall=True)
    plant.controller.submit(moved(plant, [0, 0, -0.05, 0, 0, 0]), plant.now)
    plant.step(700)
    controller, state = plant.controller, plant.controller.state
    before, bad = state["tau"].copy(), np.full(7, np.nan)
    np.testing.assert_array_equal(controller.tick(bad, plant.data.qvel, np.zeros(7), 1.0), before)
    for _ in range(200):
        last = state["tau"].copy()
        tau = controller.tick(bad, plant.data.qvel, np.zeros(7), 1.0)
        assert np.abs(tau - last).max() <= 1.0 + 1e-12
    np.testing.assert_array_equal(tau, np.zeros(7))
    assert state["mode"] == Mode.FAULT
    with pytest.raises(CommandRejectedError, match="reset the arm"):
        controller.submit(replace(moved(plant, [0, 0, 0.01, 0, 0, 0]), seq=9), plant.now)
    controller.reset(plant.data.qpos, plant.data.qvel)
    assert state["mode"] == Mode.HOLD


def test_reset_forgets_everything(make_plant):
    plant = make_plant(preset("rl_explore"), wall=True)
    plant.controller.submit(moved(plant, [0, 0, -0.05, 0, 0, 0], stiffness=np.array([900.0, 40.0])), plant.now)
    plant.step(500)
    plant.controller.reset(panda().home, np.zeros(7))
    fresh = PassiveImpedance(panda(), preset("rl_explore"))
    for name in ("T", "V", "work", "budget", "stiffness", "reference", "goal", "tau", "mode", "rejected", "last_seq"):
        np.testing.assert_array_equal(plant.controller.state[name], fresh.state[name])
