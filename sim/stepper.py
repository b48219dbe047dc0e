"""Many controller ticks and physics steps in one call: nopython, without the GIL, nothing allocated."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from controllers.law.tick import tick
from controllers.numeric.jit import kernel
from robot_rl.core.records import Array
from sim.native import address_of, call_model_data


class Plant(NamedTuple):
    """What the kernel touches of a MuJoCo simulation: views of its arm joints, and addresses."""

    q: Array
    """Joint positions, (n,) [rad]."""
    dq: Array
    """Joint velocities, (n,) [rad/s]."""
    tau_external: Array
    """Torque of contacts and joint limits on the joints over the last step, (n,) [N m]."""
    applied: Array
    """Where the joint torques go, (n,) [N m]."""
    step: int
    """Address of ``mj_step``."""
    model: int
    data: int


def plant_of(model: mujoco.MjModel, data: mujoco.MjData, n: int) -> Plant:
    """The plant whose first ``n`` joints are the arm's; valid as long as ``model`` and ``data`` live."""
    return Plant(
        q=data.qpos[:n],
        dq=data.qvel[:n],
        tau_external=data.qfrc_constraint[:n],
        applied=data.qfrc_applied[:n],
        step=address_of("mj_step"),
        model=model._address,
        data=data._address,
    )


@kernel
def advance(arm: np.void, config: np.void, state: np.void, plant: Plant, start: int, ticks: int) -> None:
    """Run ``ticks`` periods: measure, tick the controller, apply its torques, step the physics.

    Args:
        arm: Record of the arm's model.
        config: Record of the controller's configuration.
        state: Record of the controller's state; changed.
        plant: The simulation; changed.
        start: Number of the first tick; its time is this many periods.
        ticks: How many.
    """
    for i in range(ticks):
        tick(arm, config, state, plant.q, plant.dq, plant.tau_external, (start + i) * config.period)
        for j in range(plant.q.shape[0]):
            plant.applied[j] = state.tau[j]
        call_model_data(plant.step, plant.model, plant.data)
