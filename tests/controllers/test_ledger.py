"""Lost packets are settled exactly; the measured ledger overrules; refills are counted as what they are."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.numeric.rotations import pose_add
from controllers.parameters.presets import preset
from robot_rl.core.records import Command, Mode


def go(plant, seq=0, delta=(0.06, 0.0, -0.04, 0.0, 0.0, 0.0)):
    pose = pose_add(plant.controller.state["goal"], np.array(delta))
    plant.controller.submit(
        Command(stamp=plant.now, seq=seq, valid_until=plant.now + 9.0, duration=0.1, pose=pose, gripper=0.0), plant.now
    )


def lose(plant, ticks):
    """The arm keeps the last torque while ``ticks`` packets are lost."""
    for _ in range(ticks):
        plant.torques.append(plant.torques[-1])
        mujoco.mj_step(plant.model, plant.data)
        plant.positions.append(plant.data.qpos.copy())


@pytest.mark.parametrize("burst", [1, 4, 19])
def test_lost_ticks_are_settled_exactly(make_plant, burst):
    plant, rng = make_plant(preset("rl_explore"), wall=True), np.random.default_rng(burst)
    state = plant.controller.state
    for step in range(15):
        go(plant, step, rng.uniform(-0.05, 0.05, 6))
        plant.step(60)
        lose(plant, burst)
        plant.step()
        assert state["missed"] == burst
        assert (state["mode"] == Mode.BRAKE) == (burst > 15)
        assert state["work"] == pytest.approx(plant.work()[-2], abs=1e-9)
        plant.step()
        assert state["missed"] == 0
    assert state["lost"] == 15 * burst
    assert plant.work().max() <= state["budget"]


def test_after_many_lost_ticks_the_reference_stays_where_it_is(make_plant):
    plant = make_plant(preset("rl_explore"))
    go(plant)
    plant.step(50)
    before = plant.controller.state["reference"].copy()
    lose(plant, 8)
    plant.step()
    np.testing.assert_array_equal(plant.controller.state["reference"], before)
    plant.step()
    assert np.any(plant.controller.state["reference"] != before)


def test_a_clock_that_jumps_back_loses_nothing(make_plant):
    plant = make_plant(preset("rl_explore"))
    plant.step(20)
    plant.data.time -= 1.0
    plant.step(20)
    assert plant.controller.state["lost"] == 0


def measured(plant, factor, ticks):
    for _ in range(ticks):
        plant.controller.state["tau_measured"] = factor * plant.controller.state["tau"]
        plant.step()


@pytest.mark.parametrize("charge", [False, True])
def test_the_measured_ledger_runs_beside_and_may_overrule(make_plant, charge):
    plant = make_plant(replace(preset("rl_explore"), charge_measured=charge))
    state = plant.controller.state
    go(plant)
    measured(plant, 3.0, 250)
    assert state["work_measured"] == pytest.approx(3.0 * state["work"], rel=0.02)
    assert state["overdraft"] == (state["work_measured"] - state["work"] if charge else 0.0)
    left = state["T"] + state["V"] + state["work"] + state["discard"] - state["budget"]
    assert abs(left) < 1e-9


def test_an_overdraft_takes_the_allowance_away(make_plant):
    plant = make_plant(replace(preset("rl_explore"), charge_measured=True))
    go(plant)
    plant.step(20)
    state = plant.controller.state
    state["work_measured"] = state["work"] + state["T"]
    measured(plant, 1.0, 3)
    assert state["mode"] == Mode.BRAKE
    assert state["alpha"] < 1.0 or state["draw"] <= 0.0


def test_a_leaky_bucket_raises_the_budget_by_what_it_gives(make_plant):
    plant = make_plant(replace(preset("rl_explore"), refill_power=0.5))
    state = plant.controller.state
    plant.step(500)
    assert state["refilled"] == pytest.approx(0.5 * 0.5, rel=0.01)
    assert state["budget"] == pytest.approx(2.0 + state["refilled"])
    plant.step(4500)
    assert state["T"] <= plant.controller.settings.T_max + 1e-12
    assert state["T"] + state["V"] + state["work"] + state["discard"] == pytest.approx(state["budget"], abs=1e-9)


def test_friction_credit_gives_back_what_friction_is_sure_to_eat(make_plant):
    tanks = []
    for credit in ((), (0.2,) * 7):
        plant = make_plant(replace(preset("rl_explore"), friction_credit=credit))
        plant.model.dof_frictionloss[:] = 0.3
        for step in range(20):
            go(plant, step, (0.05 * (-1) ** step, 0.0, 0.0, 0.0, 0.0, 0.0))
            plant.step(100)
        state = plant.controller.state
        travelled = np.abs(np.diff(np.array(plant.positions), axis=0)).sum()
        assert state["refilled"] <= 0.2 * travelled + 1e-9
        assert state["violations"] == 0
        tanks.append(state["T"] + state["V"])
    assert tanks[1] > tanks[0]
