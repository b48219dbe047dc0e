"""The exact energy ledger (control.md §2.3): T += V - V(x) - tau . (q - q_before), which needs no velocity, no model.

Packets that were lost change nothing: the arm held the torque, and the sum over all the ticks is the same product.
Beside it runs a ledger of the torques that the robot says it measured, where it measures any.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.law.barrier import unwinding_work
from controllers.numeric.jit import kernel

ROUNDING = 1e-9
"""Energy [J] that rounding may cost; the ledger is exact to about 1e-14 J."""


@kernel
def count_lost(config: np.void, state: np.void, now: float) -> None:
    """How many ticks were missed since the last measurement, by the clock; a clock that runs backwards counts as one
    tick."""
    elapsed = now - state.stamp
    state.stamp = now
    state.missed = 0
    if elapsed > 1.5 * config.period and elapsed < math.inf:
        state.missed = int(min(elapsed / config.period, 1e9) + 0.5) - 1
    state.lost += state.missed


@kernel
def _measured_work(config: np.void, state: np.void) -> None:
    """Work of the measured torques, each taken to change evenly between two measurements."""
    work = 0.0
    for i in range(state.q.shape[0]):
        work += 0.5 * (state.tau_measured[i] + state.measured_before[i]) * (state.q[i] - state.q_before[i])
    state.measured_before[:] = state.tau_measured
    if work == work:  # a torque that is not a number is one that nobody measured
        state.work_measured += work
        if config.charge_measured != 0:
            state.overdraft = max(0.0, state.work_measured - state.work)


@kernel
def _credit(config: np.void, state: np.void) -> None:
    """The options that give the tank energy back: a leaky bucket, and what friction is sure to have eaten."""
    given = config.refill_power * config.period * (1 + state.missed)
    for i in range(state.q.shape[0]):
        given += config.friction_credit[i] * abs(state.q[i] - state.q_before[i])
    if given > 0.0:
        given = min(given, max(0.0, config.T_max - state.T))
        state.T += given
        state.budget += given
        state.refilled += given


@kernel
def discard_surplus(model: np.void, config: np.void, state: np.void) -> None:
    """A tank above T_max loses the surplus, but never what the torque that is still on may yet spend."""
    if state.T > config.T_max:
        spare = state.T + state.V - state.overdraft - unwinding_work(config, model.dq_max, state.tau, 1)
        surplus = max(0.0, min(state.T - config.T_max, spare))
        state.discard += surplus
        state.T -= surplus


@kernel
def settle(model: np.void, config: np.void, state: np.void, stored: float) -> None:
    """Book the work of the torque held since the last tick; ``stored`` is V at the new measurement, unchanged else."""
    work = 0.0
    for i in range(state.q.shape[0]):
        work += state.tau[i] * (state.q[i] - state.q_before[i])
    state.work += work
    state.T += state.V - stored - work
    state.V = stored
    _measured_work(config, state)
    _credit(config, state)
    discard_surplus(model, config, state)
    if state.work > state.budget + ROUNDING:
        state.violations += 1
    state.worst_ratio = max(state.worst_ratio, state.work / state.budget)
    state.q_before[:] = state.q
