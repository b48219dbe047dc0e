"""Tasks: an action is exactly what the reference is asked to do, and success is where it should be."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.numeric.rotations import pose_add, pose_multiply, rotvec_to_quat
from robot_rl.core import spec
from robot_rl.core.errors import ConfigError, StaleDataError
from robot_rl.core.records import EnergyState, Mode, RobotState
from robot_rl.tasks.peg_insert import upright
from robot_rl.tasks.registry import TASKS, make_expert, make_task

ENERGY = EnergyState(
    tank=2.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)
OBJECTS = {
    "target": np.array([0.5, 0.1, 0.3, 0, 0, 0, 1.0]),
    "cube": np.array([0.4, 0.05, 0.02, 0, 0, 0, 1.0]),
    "goal": np.array([0.56, 0.04, 0.012, 0, 0, 0, 1.0]),
    "walls": np.array([0.48, 0.0, 0.0, 0, 0, 0, 1.0]),
    "hole": np.array([0.5, 0.0, 0.05, *rotvec_to_quat(np.array([0, 0, 0.1]))]),
}


def robot_state(ee_pose, reference=None):
    return RobotState(
        stamp=1.0,
        q=np.zeros(7),
        dq=np.zeros(7),
        tau=np.zeros(7),
        ee_pose=ee_pose,
        ee_twist=np.zeros(6),
        wrench=np.zeros(6),
        peak_force=0.0,
        reference=ee_pose if reference is None else reference,
        gripper=0.02,
        energy=ENERGY,
    )


HOME = np.array([0.45, 0.02, 0.15, 1.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("name", TASKS)
def test_executed_action_is_the_proposal_when_the_reference_arrives(name):
    task = make_task(name)
    rng = np.random.default_rng(3)
    for _ in range(20):
        action = rng.uniform(-1, 1, task.spec.action_dim)
        before = robot_state(HOME)
        command = task.command(action, before, seq=1)
        after = robot_state(HOME, reference=command.pose)
        assert np.allclose(task.executed(before, after, action), action, atol=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_observation_fits_the_spec(name):
    task = make_task(name)
    task.spec.check(task.observe(robot_state(HOME), {}, OBJECTS))


def test_force_and_moment_are_observed():
    task, quiet = make_task("reach"), robot_state(HOME)
    push = np.array([4.0, -6.0, 8.0, 0.5, -1.0, 1.5])
    seen = [task.observe(s, {}, OBJECTS)[spec.STATE] for s in (quiet, replace(quiet, wrench=push))]
    change = (seen[1] - seen[0])[np.flatnonzero(seen[1] - seen[0])]
    np.testing.assert_allclose(change, push * [0.05, 0.05, 0.05, 0.5, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_expert_points_towards_its_object(name):
    task, expert = make_task(name), make_expert(name)
    expert.reset(0)
    assert expert.act(robot_state(HOME), OBJECTS).shape == (task.spec.action_dim,)
    towards = next(iter(task.observe(robot_state(HOME), {}, OBJECTS).values()))
    assert np.isfinite(towards).all()
    goal = {"reach": "target", "pick_cube": "cube", "peg_insert": "hole", "maze": "goal"}[name]
    start = OBJECTS[goal][:2] - [-0.01, 0.03] if name == "maze" else HOME[:2]  # elsewhere, walls are in between
    action = expert.act(robot_state(np.array([*start, *HOME[2:]])), OBJECTS)
    assert action[:2] @ (OBJECTS[goal][:2] - start) > 0


def test_peg_success_needs_depth_and_place():
    task = make_task("peg_insert")
    target = upright(OBJECTS["hole"])

    def at(x, y, z):
        return robot_state(pose_multiply(target, np.array([x, y, z, 0, 0, 0, 1.0])))

    assert task.outcome(at(0, 0, 0.03), OBJECTS).success
    assert not task.outcome(at(0, 0, 0.01), OBJECTS).success
    assert not task.outcome(at(0.03, 0, 0.03), OBJECTS).success


def test_pick_cube_ends_when_the_cube_is_lost_and_succeeds_when_lifted():
    task = make_task("pick_cube")
    lifted = {"cube": np.array([0.4, 0.0, 0.13, 0, 0, 0, 1.0])}
    lost = {"cube": np.array([0.8, 0.0, 0.02, 0, 0, 0, 1.0])}
    assert task.outcome(robot_state(HOME), lifted).success
    outcome = task.outcome(robot_state(HOME), lost)
    assert outcome.terminated
    assert not outcome.success


def test_maze_is_felt_not_seen_and_its_stiffness_is_an_action():
    task = make_task("maze")
    seen = task.observe(robot_state(HOME), {}, OBJECTS)
    moved = task.observe(robot_state(HOME), {}, {**OBJECTS, "walls": OBJECTS["walls"] + 0.01})
    assert all(np.array_equal(seen[name], moved[name]) for name in seen)
    assert seen[spec.ENERGY][:3] == pytest.approx([2.0, 0.0, 2.0])
    levels = [task.command(np.array([0.0, 0.0, x]), robot_state(HOME), 1).stiffness for x in (-1.0, 0.0, 1.0)]
    assert [k[0] for k in levels] == pytest.approx([100.0, np.sqrt(1e5), 1000.0])
    assert all(np.array_equal(k[2:], levels[0][2:]) for k in levels)
    at_goal = robot_state(np.array([0.56, 0.03, 0.012, 1.0, 0.0, 0.0, 0.0]))
    assert task.outcome(at_goal, OBJECTS).success
    assert not task.outcome(robot_state(HOME), OBJECTS).terminated


def test_equal_seeds_give_equal_demonstrator_noise():
    first, second = make_expert("peg_insert", 0.3), make_expert("peg_insert", 0.3)
    first.reset(5)
    second.act(robot_state(pose_add(HOME, np.full(6, 0.01))), OBJECTS)
    second.reset(5)
    assert np.array_equal(first.act(robot_state(HOME), OBJECTS), second.act(robot_state(HOME), OBJECTS))


def test_wrong_names_are_answered_in_one_line():
    with pytest.raises(ConfigError, match="did you mean 'peg_insert'"):
        make_task("peginsert")
    with pytest.raises(StaleDataError, match="hole"):
        make_task("peg_insert").observe(robot_state(HOME), {}, {})
