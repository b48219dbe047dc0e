"""The ledger pairs every torque with the motion that it caused; a log that is a tick off is found out."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from controllers.law.alignment import LAGS, Log, best_lag, chirp, lag_errors
from controllers.parameters.presets import preset

SECONDS = 2.0


@pytest.fixture(scope="module")
def log(make_plant):
    """A chirp of 2 N m on the last joint, all others held by their friction; the ledger runs beside it."""
    plant = make_plant(preset("rl_explore"))
    state, rows = plant.controller.state, []
    for k in range(round(SECONDS / 0.001)):
        plant.controller.tick(plant.data.qpos, plant.data.qvel, np.zeros(7), plant.now)
        tau = np.zeros(7)
        tau[6] = chirp(k * 0.001, SECONDS)
        state["tau"] = tau
        rows.append((tau, plant.data.qpos.copy(), plant.data.qvel.copy(), float(state["kinetic"])))
        plant.data.qfrc_applied[:] = tau
        mujoco.mj_step(plant.model, plant.data)
    plant.controller.tick(plant.data.qpos, plant.data.qvel, np.zeros(7), plant.now)
    tau, q, dq, kinetic = (np.array(column) for column in zip(*rows, strict=True))
    moved = np.diff(np.vstack([q, plant.data.qpos]), axis=0)
    assert state["work"] == pytest.approx(np.sum(tau * moved), abs=1e-12)
    return Log(tau=tau, q=q, dq=dq, kinetic=kinetic, period=0.001)


def test_lag_zero_explains_the_energy_best(log):
    errors = lag_errors(log)
    assert set(errors) == set(LAGS) == {-2, -1, 0, 1, 2}
    assert best_lag(log) == 0
    assert errors[0] < 0.7 * min(errors[-1], errors[1])


@pytest.mark.parametrize("late", [-2, -1, 1, 2])
def test_a_log_that_is_ticks_off_is_found_out(log, late):
    assert best_lag(replace(log, tau=np.roll(log.tau, -late, axis=0))) == late


def test_noise_of_the_encoders_does_not_hide_it(log):
    noise = np.random.default_rng(0).normal(0.0, 1e-6, log.q.shape)
    assert best_lag(replace(log, q=log.q + noise)) == 0
