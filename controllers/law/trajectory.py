"""How the reference moves to the goal, one period at a time (control.md §1.5).

The critically damped filter, in its exact discrete form, is fed with an error that is cut so that speed and
deceleration stay within their limits. The others plan a segment of given length when a goal arrives, and plan its rest
anew in every period from where the reference is: without disturbance that is the same curve, and after one it still
ends at the goal. When a segment is over, or the arm is to hold, the filter takes over.
"""

from __future__ import annotations

import math

import numpy as np

from controllers.law.chunk import track_waypoints
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from controllers.numeric.rotations import pose_add_into, pose_error_into
from robot_rl.core.records import Array

FILTER, LINEAR, MIN_JERK, JERK_LIMITED, CHUNK = range(5)
"""``state.INTERPOLATORS``."""
SAMPLES = 12
"""Points of a curve at which its speed, acceleration and jerk are looked at."""
LENGTHEN = 1.1
TRIES = 50
"""A segment is made longer by that factor until it keeps the limits, so often at most."""
MEMORY = 0.2
"""Weight of the newest interval in the estimate of how often commands come."""


@kernel
def _advance(config: np.void, state: np.void, start: int) -> None:
    """Filter: linear (start 0) or angular (start 3) part of ``step`` and ``next_velocity``, from error ``delta``."""
    d, v, omega, period = state.delta, state.reference_velocity, state.omega, config.period
    v_max, a_max = config.v_max[start // 3], config.a_max[start // 3]
    distance = norm3(d, start)
    slowest = v_max if state.interpolator == CHUNK else min(v_max, math.sqrt(a_max * distance))
    reach = 2.0 * slowest / omega
    cut = reach / distance if distance > reach else 1.0
    decay = math.exp(-omega * period)
    change = 0.0
    for i in range(start, start + 3):
        w = (v[i] + omega * cut * d[i]) * period
        state.step[i] = (cut * d[i] + w) * decay - cut * d[i]
        state.next_velocity[i] = (v[i] - omega * w) * decay
        change += (state.next_velocity[i] - v[i]) ** 2
    limit = a_max * period
    change = math.sqrt(change)
    if change > limit:
        for i in range(start, start + 3):
            state.next_velocity[i] = v[i] + (state.next_velocity[i] - v[i]) * limit / change
    speed = norm3(state.next_velocity, start)
    if change > limit or speed > v_max:
        shrink = min(1.0, v_max / speed)
        for i in range(start, start + 3):
            state.next_velocity[i] *= shrink
            state.step[i] = state.next_velocity[i] * period
    for i in range(start, start + 3):
        state.next_acceleration[i] = (state.next_velocity[i] - v[i]) / period


@kernel
def _linear(config: np.void, state: np.void) -> None:
    """The share of the way that belongs to one period; at rest on arrival. Only its speed is limited."""
    share = config.period / state.segment_left
    arrived = share > 0.999
    for i in range(6):
        state.step[i] = -state.delta[i] * (1.0 if arrived else share)
        state.next_velocity[i] = 0.0 if arrived else state.step[i] / config.period
        state.next_acceleration[i] = 0.0


@kernel
def quintic(way: float, v: float, a: float, length: float, t: float) -> tuple[float, float, float, float]:
    """Way gone, velocity, acceleration and jerk at ``t`` of the fifth-order curve over ``way`` that ends at rest.

    Args:
        way: From start to end.
        v: Velocity at the start.
        a: Acceleration at the start.
        length: Time it takes.
        t: Time since the start.
    """
    s = t / length
    d1 = way - v * length - 0.5 * a * length * length
    d2 = -(v + a * length) * length
    d3 = -a * length * length
    c3, c4, c5 = 10.0 * d1 - 4.0 * d2 + 0.5 * d3, -15.0 * d1 + 7.0 * d2 - d3, 6.0 * d1 - 3.0 * d2 + 0.5 * d3
    gone = v * t + 0.5 * a * t * t + s * s * s * (c3 + s * (c4 + s * c5))
    speed = v + a * t + s * s * (3.0 * c3 + s * (4.0 * c4 + s * 5.0 * c5)) / length
    change = a + s * (6.0 * c3 + s * (12.0 * c4 + s * 20.0 * c5)) / length**2
    return gone, speed, change, (6.0 * c3 + s * (24.0 * c4 + s * 60.0 * c5)) / length**3


@kernel
def _polynomial(config: np.void, state: np.void) -> None:
    """One period along the curve to the goal that carries velocity and acceleration on and ends at rest."""
    period, left = config.period, state.segment_left
    last = left < 1.5 * period
    for i in range(6):
        v, a = state.reference_velocity[i], state.reference_acceleration[i]
        way, speed, change, _ = quintic(-state.delta[i], v, a, left, min(period, left))
        state.step[i] = -state.delta[i] if last else way
        state.next_velocity[i] = 0.0 if last else speed
        state.next_acceleration[i] = 0.0 if last else change
    for start in (0, 3):
        length, limit = norm3(state.step, start), 1.001 * config.v_max[start // 3] * period
        if length > limit:
            for i in range(start, start + 3):
                state.step[i] *= limit / length


@kernel
def propose(config: np.void, state: np.void) -> None:
    """Where the reference would be one period on: ``proposal`` (7,), ``step`` (6,) to it, ``next_velocity`` (6,)."""
    if state.interpolator == CHUNK:
        track_waypoints(state, state.stamp + 2.0 / state.omega, state.track)
        pose_error_into(state.reference, state.track, state.delta)
    else:
        pose_error_into(state.reference, state.goal, state.delta)
    if state.segment_left < 0.5 * config.period:
        _advance(config, state, 0)
        _advance(config, state, 3)
    elif state.interpolator == LINEAR:
        _linear(config, state)
    else:
        _polynomial(config, state)
    state.segment_left = max(0.0, state.segment_left - config.period)
    pose_add_into(state.reference, state.step, state.proposal)


@kernel
def _within(limits: Array, state: np.void, length: float) -> bool:
    """Whether the curve of ``length`` [s] to the goal keeps speed, acceleration and jerk below ``limits`` (3, 2)."""
    for start in (0, 3):
        for j in range(SAMPLES + 1):
            speed, change, jerk = 0.0, 0.0, 0.0
            for i in range(start, start + 3):
                v, a = state.reference_velocity[i], state.reference_acceleration[i]
                _, x, y, z = quintic(-state.delta[i], v, a, length, length * j / SAMPLES)
                speed, change, jerk = speed + x * x, change + y * y, jerk + z * z
            part = start // 3
            over = speed > limits[0, part] ** 2 or change > limits[1, part] ** 2 or jerk > limits[2, part] ** 2
            if over:
                return False
    return True


@kernel
def _estimate_arrival(state: np.void, duration: float, now: float) -> float:
    """Time until the next command [s]: a running mean of the intervals, within half and twice the announced one."""
    interval = now - state.accepted_at
    if 0.0 < interval < 2.0 * duration:
        state.arrival_period += MEMORY * (interval - state.arrival_period)
    else:
        state.arrival_period = duration
    state.arrival_period = min(max(state.arrival_period, 0.5 * duration), 2.0 * duration)
    return state.arrival_period


@kernel
def plan(config: np.void, state: np.void, duration: float, now: float) -> None:
    """Choose how long the way to the new goal takes; ``duration`` [s] is what the command asks for."""
    state.interpolator = config.interpolator
    state.segment_left = 0.0
    length = max(_estimate_arrival(state, duration, now), 2.0 * config.period)
    state.accepted_at = now
    if state.interpolator == FILTER:
        return
    pose_error_into(state.reference, state.goal, state.delta)
    limits = state.spatial[:3, :2]
    for part in range(2):
        limits[0, part], limits[1, part] = config.v_max[part], config.a_max[part]
        limits[2, part] = config.j_max[part] if state.interpolator == JERK_LIMITED else math.inf
    if state.interpolator == LINEAR:
        for start in (0, 3):
            length = max(length, norm3(state.delta, start) / config.v_max[start // 3])
    else:
        length = 2.0 * config.period if state.interpolator == JERK_LIMITED else max(duration, 2.0 * config.period)
        for start in (0, 3):
            way, part = norm3(state.delta, start), start // 3
            length = max(length, way / limits[0, part], math.sqrt(2.0 * way / limits[1, part]))
        for _ in range(TRIES):
            if _within(limits, state, length):
                break
            length *= LENGTHEN
    state.segment_left = length
