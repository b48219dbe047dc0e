"""An error that lasts is given up, one that is being worked on is not; warnings, and contacts that last."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.law.contact import FINE, SOFT, WARN
from controllers.parameters.presets import preset


def drag(plant, pull, seconds):
    """A hand pulls the tool with ``pull(t)`` [N]; the arm is told nothing of it. Distance from the reference."""
    hand, errors = plant.model.body("hand").id, []
    for k in range(round(1000 * seconds)):
        plant.data.xfrc_applied[hand, :3] = pull(0.001 * k)
        plant.data.qfrc_applied[:] = plant.controller.tick(plant.data.qpos, plant.data.qvel, np.zeros(7), plant.now)
        mujoco.mj_step(plant.model, plant.data)
        errors.append(np.linalg.norm(plant.controller.state["error"][:3]))
    return np.array(errors)


def test_an_arm_that_is_dragged_away_and_held_there_stays_there(make_plant):
    plant = make_plant(replace(preset("human_near"), leash=(0.02, 0.1), error_max=(0.05, 9.0)))
    state, start = plant.controller.state, plant.controller.state["reference"].copy()
    balance = lambda: state["T"] + state["V"] + state["work"] + state["discard"] - state["budget"]  # noqa: E731
    errors = drag(plant, lambda t: np.array([0.0, 17.0, 0.0]) * min(1.0, t), 1.5)
    assert errors[-1] > 0.05
    assert state["given_up"] == 0
    rest = drag(plant, lambda _: np.array([0.0, 15.0, 0.0]), 4.0)
    assert state["given_up"] >= 1
    first = int(np.flatnonzero(rest < 0.01)[0])
    assert first > 400, "not before it has lasted two seconds"
    assert np.linalg.norm(state["reference"][:3] - start[:3]) > 0.05
    np.testing.assert_allclose(state["goal"], state["reference"], atol=1e-6)
    assert balance() == pytest.approx(0.0, abs=1e-9)
    assert state["violations"] == 0


def test_an_error_that_shrinks_is_left_alone(make_plant):
    plant = make_plant(replace(preset("human_near"), error_max=(0.01, 9.0), error_patience=1.0))
    state = plant.controller.state
    drag(plant, lambda t: np.array([0.0, 8.0, 0.0]) * min(1.0, 4 * t), 0.5)
    errors = drag(plant, lambda t: np.array([0.0, 8.0, 0.0]) * max(0.0, 1.0 - t / 3.0), 3.0)
    assert np.sum(errors > 0.01) > 1500
    assert state["given_up"] == 0


def feel(plant, force, seconds):
    levels, jac = [], plant.controller.state["jacobian"]
    for _ in range(round(1000 * seconds)):
        external = jac[:3].T @ np.array([0.0, 0.0, force])
        plant.controller.tick(plant.data.qpos, plant.data.qvel, external, plant.now)
        plant.data.time += 0.001
        levels.append(int(plant.controller.state["force_level"]))
    return levels


def test_a_warning_is_only_that_until_it_lasts(make_plant):
    plant = make_plant(replace(preset("rl_explore"), force_warn=10.0, force_soft=30.0, force_hard=60.0))
    state = plant.controller.state
    levels = feel(plant, 15.0, 0.4)
    assert (levels[0], levels[-1], state["force_factor"]) == (FINE, WARN, 1.0)
    assert state["contact_time"] == pytest.approx(0.4, abs=0.05)
    levels = feel(plant, 15.0, 0.4)
    assert (levels[0], levels[-1]) == (WARN, SOFT), "after half a second it is no peak any more"
    levels = feel(plant, 0.0, 0.2)
    assert (levels[-1], state["contact_time"]) == (FINE, 0.0)


def test_a_warning_without_a_soft_level_works_too(make_plant):
    plant = make_plant(replace(preset("rl_explore"), force_warn=10.0))
    assert feel(plant, 15.0, 0.8)[-1] == SOFT
    assert np.isfinite(plant.controller.state["soften"])
    assert plant.controller.state["force_factor"] == 1.0
