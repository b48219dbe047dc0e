"""Shapes of the workspace: projections are nearest points, walls are gradients, and the arm stays inside."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.law.workspace import add_workspace_wrench, clamp_pose, workspace_energy
from controllers.numeric.rotations import pose_add, quat_rotate, rotvec_to_quat
from controllers.parameters.presets import preset
from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Command

TURN = rotvec_to_quat(np.array([0.0, 0.0, 0.5]))
SHAPES = replace(
    preset("rl_explore"), box_pose=(0.45, 0.0, 0.4, *TURN), box_min=(-0.25, -0.2, -0.3), box_max=(0.25, 0.2, 0.3),
    half_spaces=((2.0, 0.0, 2.0, 2.4),), spheres=((0.45, 0.15, 0.4, 0.08),), tilt_max=0.4,
)  # fmt: skip


def inside(pose, slack=1e-6):
    local = quat_rotate(np.array([*-TURN[:3], TURN[3]]), pose[:3] - np.array(SHAPES.box_pose[:3]))
    tilt = np.arccos(np.clip(-quat_rotate(pose[3:], np.array([0.0, 0.0, 1.0]))[2], -1, 1))
    return (
        np.all(np.abs(local) <= np.array([0.25, 0.2, 0.3]) + slack)
        and pose[0] + pose[2] <= 1.2 + slack
        and np.linalg.norm(pose[:3] - [0.45, 0.15, 0.4]) >= 0.08 - slack
        and tilt <= 0.4 + slack
    )


def test_projected_poses_are_inside_and_inside_is_left_alone():
    config, rng = SHAPES.record(panda()), np.random.default_rng(0)
    home = panda().forward(panda().home)
    kept = 0
    for _ in range(300):
        pose = pose_add(home, rng.normal(size=6) * np.repeat([0.2, 0.5], 3))
        clamped = pose.copy()
        was_inside = inside(pose, 0.0)
        clamp_pose(config, clamped)
        assert inside(clamped, 8e-3)
        assert np.linalg.norm(clamped[:3] - [0.45, 0.15, 0.4]) >= 0.08 - 1e-9
        if was_inside:
            np.testing.assert_array_equal(clamped, pose)
        kept += was_inside
    assert 10 < kept < 290


def test_walls_are_gradients():
    config, rng, pushed = SHAPES.record(panda()), np.random.default_rng(1), 0
    home = panda().forward(panda().home)
    for _ in range(100):
        pose = pose_add(home, rng.normal(size=6) * np.repeat([0.15, 0.4], 3))
        wrench, h = np.zeros(6), 1e-6
        add_workspace_wrench(config, pose, wrench)
        for i, axis in enumerate(np.eye(6)):
            there, back = (workspace_energy(config, pose_add(pose, s * h * axis)) for s in (1, -1))
            assert wrench[i] == pytest.approx(-(there - back) / (2 * h), abs=1e-4)
        pushed += np.any(wrench != 0.0)
    assert pushed > 50


def test_the_reference_goes_round_a_forbidden_sphere(make_plant):
    home = panda().forward(panda().home)
    centre = home[:3] + np.array([0.0, 0.1, 0.01])
    plant = make_plant(replace(preset("rl_explore"), spheres=((*centre, 0.05),)))
    goal = home.copy()
    goal[1] += 0.2
    nearest = 1.0
    for seq in range(40):
        command = Command(stamp=plant.now, seq=seq, valid_until=99.0, duration=0.1, pose=goal, gripper=0.0)
        plant.controller.submit(command, plant.now)
        for _ in range(100):
            plant.step()
            nearest = min(nearest, np.linalg.norm(plant.controller.state["reference"][:3] - centre))
    assert nearest >= 0.05 - 1e-9
    np.testing.assert_allclose(plant.controller.state["ee_pose"][:3], goal[:3], atol=3e-3)
    assert plant.controller.state["violations"] == 0


def test_shapes_that_make_no_sense_are_refused():
    for changes, words in (
        ({"half_spaces": ((0.0, 0.0, 0.0, 1.0),)}, "length 0"),
        ({"spheres": ((0.3, 0.0, 0.5, 0.3),)}, "contain the home"),
        ({"spheres": ((0.0, 0.0, 0.0, 0.01),) * 9}, "at most 8"),
        ({"box_pose": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0)}, "length 1"),
    ):
        with pytest.raises(ConfigError, match=words):
            replace(preset("rl_explore"), **changes).record(panda())
