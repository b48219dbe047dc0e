"""The way home: in joint space, at rest at every waypoint, lifted first, gentle, watched (control.md §3.8)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.guard.clearance import distance_of
from controllers.guard.collision import Shape
from controllers.guard.record import WAYPOINTS
from controllers.numeric.jit import kernel
from controllers.numeric.rotations import pose_error
from robot_rl.core.errors import ActivationRefusedError
from robot_rl.core.records import Array

LIFT = 0.05
"""How far the tool rises before it travels [m]."""
SPEED = 0.3
"""Share of the joints' speed limits used on the way."""
PEAK = 1.875
"""Largest speed of a minimum-jerk move over its mean."""
SHORTEST = 0.5
"""Shortest time of one segment [s]."""
SAMPLES = 24


@kernel
def minimum_jerk(s: float) -> tuple[float, float]:
    """Place and slope, each over s in [0, 1], of the move that starts and ends at rest with no acceleration."""
    s = min(max(s, 0.0), 1.0)
    return s * s * s * (10.0 - 15.0 * s + 6.0 * s * s), 30.0 * s * s * (1.0 - s) * (1.0 - s)


@kernel
def advance_way(guard: np.void, q: Array, period: float) -> bool:
    """Let time pass on the way, unless the arm lags behind; True at its end."""
    if guard.way_index >= guard.way_count - 1:
        return True
    place, _ = minimum_jerk(guard.way_clock / guard.way_time[guard.way_index])
    for i in range(q.shape[0]):
        a, b = guard.way[guard.way_index, i], guard.way[guard.way_index + 1, i]
        if abs(a + place * (b - a) - q[i]) > guard.home_lag:
            return False
    guard.way_clock += period
    if guard.way_clock >= guard.way_time[guard.way_index]:
        guard.way_index += 1
        guard.way_clock = 0.0
    return False


@kernel
def way_torque(arm: np.void, state: np.void, guard: np.void, tau: Array) -> None:
    """``tau`` (n,): one saturating spring and damper per joint towards the present point of the way.

    All of it is active torque for the ledger: its work is settled exactly, and the barrier bounds it as ever.
    """
    last = guard.way_index >= guard.way_count - 1
    place, slope = minimum_jerk(0.0 if last else guard.way_clock / guard.way_time[guard.way_index])
    for i in range(tau.shape[0]):
        a = guard.way[guard.way_index, i]
        b = a if last else guard.way[guard.way_index + 1, i]
        speed = 0.0 if last else slope * (b - a) / guard.way_time[guard.way_index]
        inertia, limit = state.mass[i, i], guard.home_tau * arm.tau_max[i]
        pull = guard.home_omega * guard.home_omega * inertia * (a + place * (b - a) - state.q[i])
        tau[i] = min(max(pull, -limit), limit) + 2.0 * guard.home_omega * inertia * (speed - state.dq[i])


@kernel
def is_home(guard: np.void, q: Array) -> bool:
    """Whether every joint is near the way's end."""
    for i in range(q.shape[0]):
        if not abs(q[i] - guard.way[guard.way_count - 1, i]) <= guard.home_tolerance:
            return False
    return True


def lifted(arm: ArmModel, q: Array, height: float = LIFT) -> Array | None:
    """Joint positions (n,) with the tool ``height`` [m] straight above where it is at ``q``; None when out of reach."""
    target, found = arm.forward(q), np.array(q, dtype=float)
    target[2] += height
    for _ in range(40):
        error = pose_error(target, arm.forward(found))
        if np.abs(error).max() < 1e-4:
            inside = (found > arm.q_min).all() and (found < arm.q_max).all()
            return found if inside and np.abs(found - q).max() < 0.5 else None
        jac = arm.jacobian(found)
        found = found + jac.T @ np.linalg.solve(jac @ jac.T + 1e-4 * np.eye(6), error)
    return None


def segment_time(arm: ArmModel, start: Array, end: Array) -> float:
    """Time [s] of a minimum-jerk move that keeps every joint below its share of the speed limit."""
    return max(SHORTEST, PEAK * float(np.max(np.abs(end - start) / (SPEED * arm.dq_max))))


def _free(arm: ArmModel, shape: Shape, start: Array, end: Array, margin: float) -> bool:
    """Whether a straight move in joint space keeps ``margin`` [m], or at least never comes nearer than it starts."""
    allowed = min(margin, distance_of(arm, shape, start) - 1e-3)
    points = (start + s * (end - start) for s in np.linspace(0.0, 1.0, SAMPLES))
    return all(distance_of(arm, shape, q) >= allowed for q in points)


def plan_home(arm: ArmModel, shape: Shape, q: Array, home: Array, margin: float) -> list[Array]:
    """Waypoints (n,) from ``q`` [rad] to ``home``: up first where that is free, then straight in joint space.

    ``ActivationRefusedError`` when no such way keeps ``margin`` [m] from everything.
    """
    above, there = lifted(arm, q), np.asarray(home, dtype=float)
    if above is not None and not _free(arm, shape, q, above, margin):
        above = None
    for middle in ([above] if above is not None else []), []:
        way = [np.asarray(q, dtype=float), *middle, there]
        if all(_free(arm, shape, a, b, margin) for a, b in pairwise(way)):
            return way
    raise ActivationRefusedError("the way home is not free: move the arm away by hand, then go home again")


def write_way(guard: np.void, arm: ArmModel, way: list[Array]) -> None:
    """Put a planned way into the guard's record."""
    if not 2 <= len(way) <= WAYPOINTS or not all(np.isfinite(point).all() for point in way):
        raise ActivationRefusedError("the way home is not finite: check the measured joint positions")
    guard["way_count"], guard["way_index"], guard["way_clock"] = len(way), 0, 0.0
    for i, point in enumerate(way):
        guard["way"][i] = point
    for i, (a, b) in enumerate(pairwise(way)):
        guard["way_time"][i] = segment_time(arm, a, b)
