"""Coriolis and centrifugal torques: recursive Newton-Euler about the base's origin, without gravity."""

from __future__ import annotations

import numpy as np

from controllers.arms.kinematics import link_inertia_into
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot
from robot_rl.core.records import Array

W, V, DW, DV, LINEAR, ANGULAR, AXIS, MOMENT = range(8)
"""Rows of the scratch: angular and linear velocity and acceleration, momenta, a joint's axis and its moment."""


@kernel
def add_cross(scale: float, a: Array, b: Array, out: Array) -> None:
    """``out`` (3,) += scale a x b; may alias neither."""
    out[0] += scale * (a[1] * b[2] - a[2] * b[1])
    out[1] += scale * (a[2] * b[0] - a[0] * b[2])
    out[2] += scale * (a[0] * b[1] - a[1] * b[0])


@kernel
def _advance(s: Array, rate: float) -> None:
    """Velocity and acceleration of a link from those of its parent, its axis and that axis' moment."""
    for k in range(3):
        s[W, k] += rate * s[AXIS, k]
        s[V, k] += rate * s[MOMENT, k]
    add_cross(rate, s[W], s[AXIS], s[DW])
    add_cross(rate, s[W], s[MOMENT], s[DV])
    add_cross(rate, s[V], s[AXIS], s[DV])


@kernel
def _momentum(s: Array, body: Array) -> None:
    """Linear and angular momentum of a body (10,): m, h, xx yy zz xy xz yz about the origin."""
    h = body[1:4]
    for k in range(3):
        s[LINEAR, k] = body[0] * s[V, k]
    add_cross(1.0, s[W], h, s[LINEAR])
    _inertia_times(body, s[W], s[ANGULAR])
    add_cross(1.0, h, s[V], s[ANGULAR])


@kernel
def _inertia_times(body: Array, x: Array, out: Array) -> None:
    out[0] = body[4] * x[0] + body[7] * x[1] + body[8] * x[2]
    out[1] = body[7] * x[0] + body[5] * x[1] + body[9] * x[2]
    out[2] = body[8] * x[0] + body[9] * x[1] + body[6] * x[2]


@kernel
def _force(s: Array, body: Array, force: Array, moment: Array) -> None:
    """Force and moment about the origin that give the body its acceleration."""
    _momentum(s, body)
    h = body[1:4]
    for k in range(3):
        force[k] = body[0] * s[DV, k]
    add_cross(1.0, s[DW], h, force)
    add_cross(1.0, s[W], s[LINEAR], force)
    _inertia_times(body, s[DW], moment)
    add_cross(1.0, h, s[DV], moment)
    add_cross(1.0, s[W], s[ANGULAR], moment)
    add_cross(1.0, s[V], s[LINEAR], moment)


@kernel
def bias_into(model: np.void, state: np.void, out: Array) -> None:
    """``out`` (n,) = C(q, dq) dq [N m] at the measurement that ``state`` holds."""
    s, force, moment = state.spatial, state.six_a[:3], state.six_a[3:]
    s[:4] = 0.0
    out[:] = 0.0
    for i in range(out.shape[0]):
        for k in range(3):
            s[AXIS, k] = state.rot[i, k, 2]
            s[MOMENT, k] = 0.0
        add_cross(1.0, state.pos[i], s[AXIS], s[MOMENT])
        _advance(s, state.dq[i])
        state.composite[:] = 0.0
        link_inertia_into(model, i, state.rot, state.pos, state.composite)
        _force(s, state.composite, force, moment)
        for j in range(i + 1):
            for k in range(3):
                s[AXIS, k] = state.rot[j, k, 2]
                s[MOMENT, k] = 0.0
            add_cross(1.0, state.pos[j], s[AXIS], s[MOMENT])
            out[j] += dot(s[AXIS], moment) + dot(s[MOMENT], force)
