"""The last word on the torque: what is left in T + V always covers what the torque can still spend (control.md L4).

A torque cannot vanish at once, because its rate is limited. If every joint moves no faster than its limit, the work of
one tick is at most what ``unwinding_work`` falls by when every torque falls by the brake rate; so a torque that keeps
the barrier T + V - unwinding_work >= 0 exists in every tick, and the sum of the work never exceeds T0 + V0.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from robot_rl.core.records import Array

BISECTIONS = 12
"""Halvings of the torque's share: it may be 1/4096 smaller than the barrier would allow, never larger."""


@kernel
def unwinding_work(config: np.void, dq_max: Array, tau: Array, ticks: int) -> float:
    """Most work [J] that ``tau`` (n,) can still do from the ``ticks``-th tick on while it is taken to zero.

    Every joint moves with its torque at ``dq_max``, every torque falls by the brake rate each tick; the sum over the
    ticks is exact. (The integral form tau^2/2r + tau dt/2 of control.md L4 misses up to r dt^2/8 in the last tick.)
    """
    total = 0.0
    for i in range(tau.shape[0]):
        drop = config.brake_rate[i] * config.period
        left = max(0.0, abs(tau[i]) - ticks * drop)
        steps = math.floor(left / drop)
        total += dq_max[i] * config.period * (steps + 1.0) * (left - 0.5 * drop * steps)
    return total


@kernel
def _held_work(config: np.void, dq_max: Array, tau: Array) -> float:
    """Most work [J] that ``tau`` (n,) can do while ``loss_ticks`` packets in a row are lost and the arm holds it."""
    total = 0.0
    for i in range(tau.shape[0]):
        total += dq_max[i] * abs(tau[i])
    return total * config.period * config.loss_ticks


@kernel
def _shrink(config: np.void, state: np.void, share: float, tau: Array) -> None:
    """``tau`` := share * tau_wanted, no further from the torque applied now than the brake rate allows."""
    for i in range(tau.shape[0]):
        reach = config.brake_rate[i] * config.period
        tau[i] = min(max(share * state.tau_wanted[i], state.tau[i] - reach), state.tau[i] + reach)


@kernel
def enforce_barrier(model: np.void, config: np.void, state: np.void, tau: Array) -> None:
    """Shrink ``tau`` (n,) until T + V covers its unwinding work; ``barrier`` reports what is left [J]."""
    energy = state.T + state.V - state.overdraft
    state.barrier = energy - unwinding_work(config, model.dq_max, tau, 0)
    if state.barrier >= _held_work(config, model.dq_max, tau) or config.filter_enabled == 0:
        return
    state.tau_wanted[:] = tau
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        _shrink(config, state, middle, tau)
        if unwinding_work(config, model.dq_max, tau, 0) + _held_work(config, model.dq_max, tau) <= energy:
            low = middle
        else:
            high = middle
    _shrink(config, state, low, tau)
    state.barrier = energy - unwinding_work(config, model.dq_max, tau, 0)
