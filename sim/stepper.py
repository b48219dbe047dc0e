"""Many controller ticks and physics steps in one call: nopython, without the GIL, nothing allocated."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from controllers.law.tick import tick
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot
from robot_rl.core.records import Array
from sim.native import address_of, call_model_data

ENGAGED, COUNT, ARMED = range(3)
"""Places in ``Plant.stop``."""
BRAKE = 100.0
"""How fast the robot's own brakes take every velocity away [1/s]."""
KERNEL_FAULT = 4


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
    stop: NDArray[np.int64]
    """The robot's protective stop, (3,): whether its brakes are on, how often they came, whether it has one at all."""
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
        stop=np.array([0, 0, 1]),
        step=address_of("mj_step"),
        model=model._address,
        data=data._address,
    )


@kernel
def drive(state: np.void, plant: Plant, tau: Array) -> None:
    """Put ``tau`` (n,) on the joints; while the robot's brakes are on, their torque alone."""
    for j in range(plant.q.shape[0]):
        plant.applied[j] = tau[j]
        if plant.stop[ENGAGED] != 0:
            plant.applied[j] = -BRAKE * dot(state.mass[j], plant.dq)


@kernel
def protect(arm: np.void, plant: Plant) -> None:
    """What a robot does by itself when a joint is faster than its limit: no torque of a controller any more, brakes."""
    for j in range(plant.q.shape[0]):
        if plant.stop[ARMED] != 0 and plant.stop[ENGAGED] == 0 and not abs(plant.dq[j]) <= arm.dq_max[j]:
            plant.stop[ENGAGED] = 1
            plant.stop[COUNT] += 1


@kernel
def forget_torque(state: np.void) -> None:
    """What a driver does while the robot stands by itself: nothing was applied, and the controller is at FAULT."""
    state.tau[:] = 0.0
    state.mode = KERNEL_FAULT


@kernel
def advance(arm: np.void, config: np.void, state: np.void, plant: Plant, start: int, ticks: int) -> None:
    """Run ``ticks`` periods: measure, tick the controller, apply its torques, step the physics, mind the brakes.

    Args:
        arm: Record of the arm's model.
        config: Record of the controller's configuration.
        state: Record of the controller's state; changed.
        plant: The simulation; changed.
        start: Number of the first tick; its time is this many periods.
        ticks: How many.
    """
    for i in range(ticks):
        if plant.stop[ENGAGED] != 0:
            forget_torque(state)
        tick(arm, config, state, plant.q, plant.dq, plant.tau_external, (start + i) * config.period)
        drive(state, plant, state.tau)
        call_model_data(plant.step, plant.model, plant.data)
        protect(arm, plant)
