"""Self and scene collision by capsules: how near the links are, and which part of a motion may still happen.

Every link is a capsule (a segment with a radius), every obstacle a convex body. The distance from a point of a segment
to a convex body is a convex function along the segment, so a ternary search finds the nearest point. (control.md §3.2)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot
from robot_rl.core.records import Array

SEARCH = 24
"""Steps of the ternary search: the place on a link of 0.4 m to 0.02 mm."""
FLOOR, SPHERE, BOX = range(3)
CAPSULE = np.dtype([("link", "i8"), ("a", "f8", (3,)), ("b", "f8", (3,)), ("radius", "f8")])
PAIR = np.dtype([("a", "i8"), ("b", "i8")])
OBSTACLE = np.dtype([("kind", "i8"), ("pos", "f8", (3,)), ("rot", "f8", (3, 3)), ("size", "f8", (3,))])


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """A segment with a radius, fixed to a link."""

    link: int
    """Number of the link, from 0; -1: fixed to the base."""
    a: tuple[float, float, float]
    """One end, in the link's frame as the kernels see it (z is the joint's axis) [m]."""
    b: tuple[float, float, float]
    """The other end [m]."""
    radius: float
    """[m]"""


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """A convex body that does not move: the half-space below a plane, a ball, or a box."""

    kind: int
    """FLOOR: below the plane through ``pos`` whose normal is the third column of ``rot``. SPHERE. BOX."""
    pos: tuple[float, float, float]
    """[m]"""
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """SPHERE: its radius first. BOX: half its sides [m]."""
    rot: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    """Its axes as columns, seen from base."""


class Shape(NamedTuple):
    """What the kernels know of an arm's body and of the scene."""

    capsules: np.ndarray
    """(c,) of ``CAPSULE``."""
    pairs: np.ndarray
    """(p,) of ``PAIR``: numbers of two capsules that may meet."""
    obstacles: np.ndarray
    """(o,) of ``OBSTACLE``."""
    exempt: int
    """Capsules from this number on may touch obstacles: the tool works there."""


def make_shape(
    capsules: Sequence[Capsule],
    pairs: Sequence[tuple[int, int]],
    obstacles: Sequence[Obstacle] = (),
    exempt: int | None = None,
) -> Shape:
    """The shape for the kernels; ``exempt``: capsules from this number on may touch obstacles."""
    shape = Shape(
        capsules=np.zeros(len(capsules), CAPSULE),
        pairs=np.array(list(pairs), dtype=PAIR),
        obstacles=np.zeros(len(obstacles), OBSTACLE),
        exempt=len(capsules) if exempt is None else exempt,
    )
    for i, capsule in enumerate(capsules):
        shape.capsules[i] = (capsule.link, capsule.a, capsule.b, capsule.radius)
    for i, body in enumerate(obstacles):
        shape.obstacles[i] = (body.kind, body.pos, body.rot, body.size)
    return shape


@kernel
def place(shape: Shape, rot: Array, pos: Array, ends: Array) -> None:
    """Ends of all capsules seen from base, ``ends`` (c, 2, 3), for link frames ``rot`` (n, 3, 3), ``pos`` (n, 3)."""
    for c in range(shape.capsules.shape[0]):
        link = shape.capsules[c].link
        for k in range(3):
            for e in range(2):
                point = shape.capsules[c].a if e == 0 else shape.capsules[c].b
                if link < 0:
                    ends[c, e, k] = point[k]
                else:
                    ends[c, e, k] = pos[link, k] + dot(rot[link, k], point)


@kernel
def _clamped(x: float) -> float:
    return min(max(x, 0.0), 1.0)


@kernel
def segments_nearest(a: Array, b: Array, out: Array) -> float:
    """Distance between segments ``a`` and ``b``, (2, 3) each; nearest points into ``out`` (2, 3)."""
    aa, bb, ab, ar, br = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(3):
        u, v, r = a[1, k] - a[0, k], b[1, k] - b[0, k], a[0, k] - b[0, k]
        aa, bb, ab, ar, br = aa + u * u, bb + v * v, ab + u * v, ar + u * r, br + v * r
    det = aa * bb - ab * ab
    s = _clamped((ab * br - bb * ar) / det) if det > 1e-12 * aa * bb else 0.0
    t = (ab * s + br) / bb if bb > 1e-18 else 0.0
    if not 0.0 <= t <= 1.0 or bb <= 1e-18:
        t = _clamped(t)
        s = _clamped((ab * t - ar) / aa) if aa > 1e-18 else 0.0
    distance = 0.0
    for k in range(3):
        out[0, k] = a[0, k] + s * (a[1, k] - a[0, k])
        out[1, k] = b[0, k] + t * (b[1, k] - b[0, k])
        distance += (out[0, k] - out[1, k]) ** 2
    return math.sqrt(distance)


@kernel
def _box_distance(body: np.void, point: Array, nearest: Array) -> float:
    """Signed distance to a box, and the nearest point of its surface."""
    outside, inside, axis = 0.0, -math.inf, 0
    for i in range(3):
        x = 0.0
        for k in range(3):
            x += body.rot[k, i] * (point[k] - body.pos[k])
        beyond = abs(x) - body.size[i]
        outside += max(beyond, 0.0) ** 2
        if beyond > inside:
            inside, axis = beyond, i
    nearest[:] = point
    for i in range(3):
        x = 0.0
        for k in range(3):
            x += body.rot[k, i] * (point[k] - body.pos[k])
        back = x - min(max(x, -body.size[i]), body.size[i])
        if inside < 0.0 and i == axis:
            back = x - math.copysign(body.size[i], x)
        for k in range(3):
            nearest[k] -= back * body.rot[k, i]
    return math.sqrt(outside) if inside > 0.0 else inside


@kernel
def point_distance(body: np.void, point: Array, nearest: Array) -> float:
    """Signed distance [m] of ``point`` (3,) from an obstacle, negative inside; its nearest point into ``nearest``."""
    if body.kind == BOX:
        return _box_distance(body, point, nearest)
    distance = 0.0
    for k in range(3):
        d = point[k] - body.pos[k]
        distance += d * body.rot[k, 2] if body.kind == FLOOR else d * d
    if body.kind == SPHERE:
        distance = math.sqrt(distance)
        for k in range(3):
            nearest[k] = body.pos[k] + (point[k] - body.pos[k]) * body.size[0] / max(distance, 1e-9)
        return distance - body.size[0]
    for k in range(3):
        nearest[k] = point[k] - distance * body.rot[k, 2]
    return distance


@kernel
def _along(ends: Array, t: float, out: Array) -> None:
    for k in range(3):
        out[k] = ends[0, k] + t * (ends[1, k] - ends[0, k])


@kernel
def obstacle_nearest(body: np.void, ends: Array, out: Array) -> float:
    """Signed distance of the segment ``ends`` (2, 3) from an obstacle; its point and the obstacle's into ``out``."""
    low, high = 0.0, 1.0
    for _ in range(SEARCH):
        third = (high - low) / 3.0
        _along(ends, low + third, out[0])
        left = point_distance(body, out[0], out[1])
        _along(ends, high - third, out[0])
        if left <= point_distance(body, out[0], out[1]):
            high -= third
        else:
            low += third
    _along(ends, 0.5 * (low + high), out[0])
    return point_distance(body, out[0], out[1])
