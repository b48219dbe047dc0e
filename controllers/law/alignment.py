"""Do the logged torques belong to the logged positions? The self-test of the ledger (control.md §4.4, 12).

The ledger pairs the torque of a tick with the motion until the next one. A backend that is a packet off, by its own
buffer or the robot's, makes it wrong by joules in violent motion. A chirp on the last joint shows it: what the torque
gives must be found again as kinetic energy and friction, and it fits best at the lag that is true, which must be 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robot_rl.core.records import Array

LAGS = (-2, -1, 0, 1, 2)
"""Ticks by which torques are shifted against positions; positive: the torque acts later than it is logged."""
AMPLITUDE = 2.0
"""Of the chirp [N m]."""
SLOWEST, FASTEST = 2.0, 40.0
"""Frequencies at its start and end [Hz]."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """What was applied and measured, tick by tick; row k of ``tau`` acts from row k to row k + 1 of ``q``."""

    tau: Array
    """(t, n) [N m]"""
    q: Array
    """(t, n) [rad]"""
    dq: Array
    """(t, n) [rad/s]"""
    kinetic: Array
    """Kinetic energy, (t,) [J]."""
    period: float
    """[s]"""


def chirp(t: float, duration: float) -> float:
    """Torque [N m] of the test at ``t`` [s]; its frequency rises evenly over ``duration`` [s]."""
    return AMPLITUDE * math.sin(2.0 * math.pi * (SLOWEST + 0.5 * (FASTEST - SLOWEST) * t / duration) * t)


def lag_errors(log: Log) -> dict[int, float]:
    """Per lag, the energy [J] (root mean square over the ticks) that torques at this lag leave unexplained.

    Explained is the change of kinetic energy plus Coulomb and viscous friction of every joint, fitted, none negative.
    """
    margin = max(abs(lag) for lag in LAGS)
    ticks = np.arange(margin, len(log.q) - margin - 1)
    moved = log.q[ticks + 1] - log.q[ticks]
    mean = 0.5 * (log.dq[ticks + 1] + log.dq[ticks])
    lost = np.hstack([np.abs(moved), mean * moved])
    errors = {}
    for lag in LAGS:
        given = np.einsum("ti,ti->t", log.tau[ticks - lag], moved) - np.diff(log.kinetic)[ticks]
        share = np.maximum(np.linalg.lstsq(lost, given, rcond=None)[0], 0.0)
        errors[lag] = float(np.sqrt(np.mean((given - lost @ share) ** 2)))
    return errors


def best_lag(log: Log) -> int:
    """The lag that leaves least unexplained; a backend is sound when it is 0."""
    errors = lag_errors(log)
    return min(errors, key=lambda lag: errors[lag])
