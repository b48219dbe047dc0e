"""Tasks as policies see them, on the twin."""

from __future__ import annotations

import numpy as np
import pytest

from robot_rl.core.errors import StaleDataError
from robot_rl.core.spec import ENVIRONMENT, IMAGES, STATE
from robot_rl.core.view import View
from robot_rl.envs.seen import task_of_policy, task_of_station, views_of
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.tasks.registry import make_task
from robot_rl.tasks.senses import Sensed, Senses

CAMERAS = ("front", "wrist")


@pytest.fixture(scope="module")
def whole():
    env = make_twin_env("peg_insert", CAMERAS)
    return env, env.reset(3)


def test_a_policy_gets_what_it_was_trained_on_and_no_more(whole):
    plain = make_task("peg_insert", CAMERAS)
    trained = Sensed(plain, Senses(views=views_of("twin_closeup"), hidden=(ENVIRONMENT,))).spec
    task = task_of_policy("peg_insert", trained, "twin_closeup")
    assert task.spec == trained
    env, obs = whole
    seen = task.observe(env.state, env.frames, env.objects)
    trained.check(seen)
    assert seen.keys() == {STATE, IMAGES + "front", IMAGES + "wrist"}
    assert np.array_equal(seen[IMAGES + "wrist"], obs[IMAGES + "wrist"][36:100, 32:96])
    assert np.array_equal(seen[STATE], obs[STATE])


def test_what_is_hidden_needs_no_tracker(whole):
    env, obs = whole
    plain = make_task("peg_insert", ("front",))
    seen = Sensed(plain, Senses(hidden=(ENVIRONMENT,))).observe(env.state, env.frames, {})
    assert np.array_equal(seen[STATE], obs[STATE])
    with pytest.raises(StaleDataError, match="start its tracker"):
        Sensed(plain, Senses()).observe(env.state, env.frames, {})


def test_without_a_station_whole_images_are_scaled_to_the_trained_size(whole):
    env, obs = whole
    trained = Sensed(make_task("peg_insert", ("front",)), Senses(views={"front": View(size=(32, 32))})).spec
    seen = task_of_policy("peg_insert", trained).observe(env.state, env.frames, env.objects)
    assert np.array_equal(seen[IMAGES + "front"], View(size=(32, 32)).apply(obs[IMAGES + "front"]))
    assert np.array_equal(seen[ENVIRONMENT], obs[ENVIRONMENT])


def test_recording_keeps_everything_but_what_the_station_leaves_out():
    task = task_of_station("peg_insert", CAMERAS, "twin_closeup")
    assert task.spec.observation[IMAGES + "front"].shape == (64, 64, 3)
    assert ENVIRONMENT in task.spec.observation
    assert task_of_station("peg_insert", CAMERAS, "twin").spec == make_task("peg_insert", CAMERAS).spec


def test_the_rest_of_the_task_is_as_it_was(whole):
    env, _ = whole
    plain = make_task("peg_insert", CAMERAS)
    task = task_of_station("peg_insert", CAMERAS, "twin_closeup")
    action = np.full(6, 0.3)
    np.testing.assert_array_equal(task.command(action, env.state, 1).pose, plain.command(action, env.state, 1).pose)
    assert task.outcome(env.state, env.objects) == plain.outcome(env.state, env.objects)
    assert (task.name, task.max_steps) == (plain.name, plain.max_steps)
