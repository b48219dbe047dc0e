"""Distances against brute force; the veto keeps a goal out; the Panda's own shape."""

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.arms.panda_shape import CAPSULES, panda_shape, table
from controllers.guard.clearance import check, distance_of
from controllers.guard.collision import BOX, FLOOR, SPHERE, Obstacle, make_shape, obstacle_nearest, segments_nearest
from controllers.guard.record import GuardConfig, guard_dtype
from controllers.impedance_controller import PassiveImpedance
from controllers.numeric.rotations import pose_error
from controllers.parameters.presets import preset

ARM = panda()


def along(ends, n=400):
    return ends[0] + np.linspace(0, 1, n)[:, None] * (ends[1] - ends[0])


def test_segments_against_brute_force():
    rng, out = np.random.default_rng(0), np.zeros((2, 3))
    for k in range(200):
        a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        if k % 5 == 0:
            b = a + rng.normal(size=3)  # parallel
        if k % 7 == 0:
            b[1] = b[0]
        brute = np.linalg.norm(along(a)[:, None] - along(b)[None], axis=2).min()
        found = segments_nearest(a, b, out)
        assert found <= brute + 1e-9
        assert found == pytest.approx(brute, abs=2e-2)
        assert np.linalg.norm(out[0] - out[1]) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("kind", [FLOOR, SPHERE, BOX])
def test_obstacles_against_brute_force(kind):
    rng, out = np.random.default_rng(1), np.zeros((2, 3))
    size = (0.3, 0.2, 0.4)
    body = make_shape((), (), [Obstacle(kind=kind, pos=(0.1, 0.2, 0.3), size=size)]).obstacles[0]
    for _ in range(100):
        ends = rng.normal(size=(2, 3)) + np.array([0, 0, 1.5])
        x = along(ends) - body["pos"]
        beyond = np.abs(x) - size
        brute = {
            FLOOR: x[:, 2],
            SPHERE: np.linalg.norm(x, axis=1) - 0.3,
            BOX: np.where(beyond.max(1) > 0, np.linalg.norm(np.maximum(beyond, 0), axis=1), beyond.max(1)),
        }[kind].min()
        assert obstacle_nearest(body, ends, out) == pytest.approx(brute, abs=1e-2)


def test_the_panda_stands_free_at_home_and_cannot_fold_into_itself():
    shape = panda_shape([table()])
    assert distance_of(ARM, shape, ARM.home) > 0.05
    assert distance_of(ARM, shape, np.array([0.0, -1.7, 0.0, -3.05, 0.0, 0.5, 0.0])) < 0.02
    assert max(c.link for c in CAPSULES) == 6


def test_a_goal_in_an_obstacle_is_cut_short_of_it_and_slides_along():
    ball = Obstacle(kind=SPHERE, pos=(0.52, 0.0, 0.45), size=(0.1, 0.0, 0.0))
    shape, control = panda_shape([ball]), PassiveImpedance(ARM, preset("rl_explore"))
    guard, ends = np.zeros(1, guard_dtype(7))[0], np.zeros((len(CAPSULES), 2, 3))
    GuardConfig().fill(guard, 0.001)
    state = control.state
    control.tick(ARM.home, np.zeros(7), np.zeros(7), 0.0)
    free = distance_of(ARM, shape, ARM.home)
    assert 0.03 < free < 0.15
    state["goal"][:3] = state["reference"][:3] + np.array([0.09, 0.05, 0.0])
    before = pose_error(state["goal"], state["reference"])
    assert check(shape, guard, state, ends) == 1
    after = pose_error(state["goal"], state["reference"])
    assert guard["vetoed"] >= 1
    assert guard["clearance"] == pytest.approx(free)
    assert after[0] < before[0] - 0.005, "the part towards the ball is gone"
    assert after[1] > 0.03, "the part along it stays"
