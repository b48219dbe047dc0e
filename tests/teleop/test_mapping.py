"""From what a device says to a task's action: hand-worked numbers and properties."""

import numpy as np
import pytest
from hand import HERE, hand, state
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.core.teleop import Event
from robot_rl.tasks.registry import TASKS, make_task
from robot_rl.teleop.action_map import ActionMap
from robot_rl.teleop.bindings import LONG, Bindings, events_of, grip_after
from robot_rl.teleop.follower import Follower
from robot_rl.teleop.sample import Press
from robot_rl.teleop.shaping import LowPass, Shaping, dead_zone, limit, shape

unit = st.floats(-1.0, 1.0)


def test_dead_zone_by_hand():
    np.testing.assert_allclose(dead_zone(np.array([0.08, 0.0, 0.0]), 0.08, 1.0), 0.0)
    np.testing.assert_allclose(dead_zone(np.array([0.54, 0.0, 0.0]), 0.08, 1.0), [0.5, 0.0, 0.0])
    np.testing.assert_allclose(dead_zone(np.array([0.0, -0.54, 0.0]), 0.08, 2.0), [0.0, -0.25, 0.0])
    np.testing.assert_allclose(dead_zone(np.array([0.6, 0.8, 0.0]), 0.08, 1.5), [0.6, 0.8, 0.0])


@given(arrays(float, 3, elements=unit), arrays(float, 3, elements=unit))
def test_dead_zone_has_no_jump_and_keeps_the_direction(a, b):
    fa, fb = dead_zone(a, 0.1, 1.5), dead_zone(b, 0.1, 1.5)
    assert np.linalg.norm(fa - fb) <= 3.0 * np.linalg.norm(a - b) + 1e-9
    assert np.linalg.norm(fa) <= 1.0 + 1e-9
    assert np.linalg.norm(np.cross(a, fa)) < 1e-9
    assert a @ fa >= 0.0


def test_where_she_stands_turns_her_forward():
    wish = shape(np.array([1.0, 0, 0, 0, 0, 0]), Shaping(yaw=np.pi / 2))
    np.testing.assert_allclose(wish, [0, 1, 0, 0, 0, 0], atol=1e-12)


def test_slow_is_slow():
    full, slow = (shape(np.eye(6)[0], Shaping(slow=0.25), slow=s) for s in (False, True))
    np.testing.assert_allclose(slow, 0.25 * full)


def test_low_pass_forgets_at_the_same_rate_whatever_the_steps():
    coarse, fine = LowPass(0.1), LowPass(0.1)
    coarse(np.zeros(1), 0.0), fine(np.zeros(1), 0.0)
    for k in range(1, 11):
        last = fine(np.ones(1), 0.02 * k)
    assert coarse(np.ones(1), 0.2) == pytest.approx(float(last[0]))
    assert float(last[0]) == pytest.approx(1 - np.exp(-2.0))


@pytest.mark.parametrize("name", TASKS)
def test_the_map_knows_every_task(name):
    task, now = make_task(name), state()
    actions = ActionMap.of(task, now)
    rng = np.random.default_rng(0)
    for _ in range(20):
        motion = actions.steps.T @ rng.uniform(-1, 1, actions.size)
        command = task.command(actions.from_motion(motion, -1.0), now, 0)
        np.testing.assert_allclose(pose_error(command.pose, now.reference), motion, atol=1e-6)


def test_the_gripper_closes_by_its_own_entry():
    task = make_task("pick_cube")
    actions = ActionMap.of(task, state())
    for grip, opening in ((1.0, 0.0), (-1.0, 0.08)):
        action = actions.from_wish(np.zeros(6), grip)
        assert task.command(action, state(), 0).gripper == pytest.approx(opening)
        assert actions.grip_of(action) == grip
    held = actions.holding(np.array([0.3, -0.2, 0.1, 1.0]))
    np.testing.assert_allclose(held, [0, 0, 0, 1.0])


@given(arrays(float, 6, elements=st.floats(-0.5, 0.5)))
def test_too_much_motion_goes_in_the_same_direction(motion):
    actions = ActionMap.of(make_task("peg_insert"), state())
    action = actions.from_motion(motion, 0.0)
    assert np.abs(action).max() <= 1.0
    moved = actions.steps.T @ action
    for part in (slice(0, 3), slice(3, 6)):
        assert np.linalg.norm(np.cross(moved[part], motion[part])) < 1e-9


def test_limit_by_hand():
    np.testing.assert_allclose(limit(np.array([2.0, -4.0])), [0.5, -1.0])
    np.testing.assert_allclose(limit(np.array([0.2, -0.4])), [0.2, -0.4])
    assert limit(np.zeros(0)).size == 0


def test_short_and_long_presses():
    bindings = Bindings(press={"a": Event.SUCCESS, "b": Event.FAILURE}, hold={"b": Event.RERECORD})
    down, up = Press(name="b", down=True), Press(name="b", down=False, held=0.2)
    assert events_of([Press(name="a", down=True), Press(name="a", down=False, held=9.0)], bindings) == (Event.SUCCESS,)
    assert events_of([down], bindings) == (), "not known yet which it will be"
    assert events_of([up], bindings) == (Event.FAILURE,)
    assert events_of([Press(name="b", down=False, held=LONG)], bindings) == (Event.RERECORD,)


def test_the_grip_toggles_and_a_long_press_that_means_something_else_does_not():
    bindings = Bindings(grip=frozenset({"g"}), hold={"g": Event.FAILURE}, close=frozenset({"c"}), open=frozenset({"o"}))
    tap, long = Press(name="g", down=False, held=0.1), Press(name="g", down=False, held=1.0)
    assert grip_after(-1.0, [Press(name="g", down=True), tap], bindings) == 1.0
    assert grip_after(-1.0, [tap, tap], bindings) == -1.0
    assert grip_after(-1.0, [long], bindings) == -1.0
    assert grip_after(-1.0, [Press(name="c", down=True)], bindings) == 1.0
    assert grip_after(1.0, [Press(name="o", down=True)], bindings) == -1.0


def test_the_arm_goes_as_the_hand_goes_from_where_the_clutch_closed():
    follower = Follower(scale=0.5, leash=1.0, yaw=np.pi / 2)
    np.testing.assert_allclose(follower.motion(hand(), HERE), 0.0, atol=1e-12)
    motion = follower.motion(hand(x=0.1, z=-0.04, turn=0.3), HERE)
    np.testing.assert_allclose(motion, [0.0, 0.05, -0.02, 0.0, 0.0, 0.3], atol=1e-9)
    reached = pose_add(HERE, motion)
    np.testing.assert_allclose(follower.motion(hand(x=0.1, z=-0.04, turn=0.3), reached), 0.0, atol=1e-9)


def test_the_clutch_makes_room():
    follower = Follower(scale=1.0, leash=1.0, yaw=0.0)
    follower.motion(hand(), HERE)
    follower.release()
    np.testing.assert_allclose(follower.motion(hand(x=0.4, turn=1.0), HERE), 0.0, atol=1e-12)
    np.testing.assert_allclose(follower.motion(hand(x=0.5, turn=1.0), HERE)[:3], [0.1, 0, 0], atol=1e-12)


def test_a_hand_that_runs_ahead_slips():
    follower = Follower(scale=1.0, leash=0.1, yaw=0.0)
    follower.motion(hand(), HERE)
    np.testing.assert_allclose(follower.motion(hand(x=1.0), HERE)[:3], [0.1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(follower.motion(hand(x=0.95), HERE)[:3], [0.05, 0, 0], atol=1e-12)
