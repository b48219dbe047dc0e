"""The independent observer: what an episode's log says about the invariants of control.md §2.8, in plain NumPy.

The passivity verdict (I2) comes from logged joint positions and torques alone; nothing here is shared with the filter.
Every tick counts. Where a joint gets faster than its limit the robot stops by itself, as robots do (``sim.stepper``);
what its brakes then do is no torque of the controller's, and what was lost of the last packets stays unbooked (I1) but
is in the verdict (I2). I10 to I13 need two runs: ``relations``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from robot_rl.core.records import Array
from sim.adversaries.world import COLUMN, Log

EXACT = 1e-9
"""What rounding may cost [J]."""
SPRING_GROWTH = 1.6
"""The gradient of an anisotropic rotation spring exceeds its axes' caps by up to pi / 2."""
CONTACT_TOLERANCE = 0.02
"""Share of the energy turned over that the plant's integrator may create or lose (measured with no torque: < 0.01)."""
HOLD, ACTIVE, LOW, BRAKE, FAULT = range(5)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the observer must know of the controller and the plant to judge an episode."""

    period: float
    T0: float
    T_max: float
    P_max: float
    kinetic_max: float
    tau_max: Array
    rate_max: Array
    """Largest torque rate, (n,) [N m/s]."""
    dq_max: Array
    """(n,) [rad/s]"""
    caps: tuple[float, float]
    """Largest spring force per axis [N] and moment [N m]."""
    spring0: float
    """Energy in the springs at the start [J]."""
    exact_line: bool
    """State packets are young and without noise: the ledger must agree with the true work, lost packets or not."""
    lossless: bool
    """No packet is lost: the barrier must hold in every tick."""
    nobody_pushes: bool
    """Beyond gravity that is compensated wrongly."""


def work_of(log: Log) -> Array:
    """Work that the torques did on the arm up to the end of every tick, (ticks,) [J]: from q and tau alone."""
    return np.cumsum(np.einsum("ti,ti->t", log.tau, np.diff(log.q, axis=0)))


def speed_of(log: Log, rules: Rules) -> Array:
    """Fastest joint during every tick as a share of its limit, (ticks,)."""
    return (np.abs(np.diff(log.q, axis=0)) / (rules.dq_max * rules.period)).max(axis=1)


def column(log: Log, name: str) -> Array:
    """A figure of every tick, (ticks,)."""
    return log.values[:, COLUMN[name]]


def unwinding(tau: Array, rules: Rules, ticks: int) -> Array:
    """Most work (T,) [J] that torques (T, n) can do from that tick on while they fall, every joint at its limit.

    Summed tick by tick, so that it shares no formula with the controller's own.
    """
    drop = rules.rate_max * rules.period
    left = np.maximum(0.0, np.abs(tau) - ticks * drop)
    total = np.zeros(len(tau))
    while left.any():
        total += left @ rules.dq_max * rules.period
        left = np.maximum(0.0, left - drop)
    return total


def judge(log: Log, rules: Rules) -> dict[str, int]:
    """Violations of every invariant: number of ticks at which it does not hold."""
    work = work_of(log)
    ticked = column(log, "ticked") > 0.0
    found = _ledger(log, rules, work) | _filter(log, rules, ticked) | _limits(log, rules) | _outside(log, rules, work)
    return {name: int(np.count_nonzero(bad)) for name, bad in found.items()}


def _ledger(log: Log, rules: Rules, work: Array) -> Mapping[str, Array]:
    tank, spring, booked = column(log, "tank"), column(log, "spring"), column(log, "work")
    budget = rules.T0 + rules.spring0
    turned = 1.0 + np.cumsum(np.abs(np.diff(work, prepend=0.0)))
    found = {
        "I1 bookkeeping": np.abs(tank + spring + booked + column(log, "discard") - budget) > EXACT * turned,
        "I2 passivity": ~(work <= budget + EXACT),
        "I3 T + V >= 0": ~(tank + spring >= -EXACT),
        "I4 T <= T_max": _lidless(log, rules),
    }
    if rules.exact_line:
        before = np.concatenate([[0.0], work[:-1]])
        led = (column(log, "ticked") > 0.0) & (column(log, "stopped") == 0.0)
        found["I1 work"] = np.abs(booked - before)[led] > EXACT * turned[-1]
    return found


def _lidless(log: Log, rules: Rules) -> Array:
    """I4, at the settlement: what exceeds T_max is kept only as far as the torque that is still on may spend it."""
    settled = column(log, "tank") + column(log, "draw")
    total = column(log, "tank") + column(log, "spring")
    held = np.concatenate([np.zeros((1, log.tau.shape[1])), log.tau[:-1]])
    above = settled > rules.T_max + EXACT
    bad = np.zeros(len(settled), dtype=bool)
    bad[above] = total[above] > unwinding(held[above], rules, 1) + EXACT
    return bad & (column(log, "ticked") > 0.0)


def _filter(log: Log, rules: Rules, ticked: Array) -> Mapping[str, Array]:
    draw, left = column(log, "draw"), column(log, "tank") + column(log, "draw") - column(log, "reserve")
    scales = log.values[:, [COLUMN[name] for name in ("alpha", "beta", "gamma")]]
    found = {
        "I5 draw": ticked & (draw > np.minimum(np.maximum(left, 0.0), rules.P_max * rules.period) + EXACT),
        "I6 scales": ~((scales >= 0.0) & (scales <= 1.0)).all(axis=1),
    }
    if rules.exact_line and rules.lossless:
        left = column(log, "tank") + column(log, "spring") - unwinding(log.tau, rules, 0)
        found["I15 barrier"] = ticked & ~(left >= -EXACT)
    return found


def _limits(log: Log, rules: Rules) -> Mapping[str, Array]:
    by_itself = column(log, "stopped") > 0.0
    steps = np.abs(np.diff(log.tau, axis=0, prepend=np.zeros((1, log.tau.shape[1]))))
    walls = 1.0 + (column(log, "inside") == 0.0)
    found = {
        "I7 torque": ~(np.abs(log.tau) <= rules.tau_max + EXACT).all(axis=1),
        "I7 rate": ~(steps <= rules.rate_max * rules.period + EXACT).all(axis=1) & ~by_itself,
        "I8 force": ~(column(log, "pull") <= rules.caps[0] * walls + EXACT),
        "I8 moment": ~(column(log, "twist") <= rules.caps[1] * SPRING_GROWTH * np.sqrt(3.0) + EXACT),
    }
    if rules.nobody_pushes:
        found["I9 kinetic"] = ~(column(log, "true_kinetic") <= 1.15 * rules.kinetic_max)
    return found


def _outside(log: Log, rules: Rules, work: Array) -> Mapping[str, Array]:
    """I14: what the environment got out of the arm is no more than the budget and what it and gravity put in."""
    given = -np.cumsum(column(log, "contact"))
    pushed = np.cumsum(column(log, "push"))
    fallen = column(log, "potential")[0] - column(log, "potential")
    turned = np.cumsum(np.abs(column(log, "contact"))) + np.cumsum(np.abs(np.diff(work, prepend=0.0)))
    allowed = rules.T0 + rules.spring0 + pushed + fallen + CONTACT_TOLERANCE * turned
    return {"I14 environment": ~(given <= allowed + EXACT)}


def figures(log: Log, rules: Rules) -> dict[str, float]:
    """The worst of an episode, over all its ticks."""
    mode = column(log, "mode")
    work, total, stopped = work_of(log), column(log, "tank") + column(log, "spring"), column(log, "stopped") > 0.0
    return {
        "work_max": float(work.max()),
        "ratio": float(work.max() / (rules.T0 + rules.spring0)),
        "tank_min": float(column(log, "tank").min()),
        "total_min": float(total.min()),
        "force_max": float(column(log, "force").max()),
        "kinetic_max": float(column(log, "true_kinetic").max()),
        "kinetic_over_cap": float(column(log, "true_kinetic").max() / rules.kinetic_max - 1.0)
        if rules.nobody_pushes
        else 0.0,
        "speed_max": float(speed_of(log, rules).max()),
        "stopped": float(stopped.any()),
        "filtered": float(np.mean((column(log, "alpha") < 1.0) | (column(log, "beta") < 1.0))),
        "low": float(np.mean(mode == LOW)),
        "brake": float(np.mean(mode == BRAKE)),
        "fault": float(np.mean(mode == FAULT)),
    }
