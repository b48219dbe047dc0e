"""Fixed frames of a station: where a pose given in one of them is, seen from ``base``.

This stands in for a TF tree of static transforms. What is in no tree cannot be resolved, and must be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from robot_rl.core.errors import CommandRejectedError, StationError
from robot_rl.core.records import Array

BASE = "base"


@dataclass(frozen=True, kw_only=True)
class FrameStation:
    """One frame, fixed to another one."""

    parent: str = BASE
    """The frame that it is fixed to."""
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    """Its origin in the parent [m]."""
    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    """Its axes: turned about the parent's x, then y, then z [rad] (REP-103)."""

    def transform(self) -> Array:
        """The frame seen from its parent, (4, 4)."""
        (cr, cp, cy), (sr, sp, sy) = (f(np.array([self.roll, self.pitch, self.yaw])) for f in (np.cos, np.sin))
        out = np.eye(4)
        out[:3, :3] = (
            np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
            @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
            @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
        )
        out[:3, 3] = (self.x, self.y, self.z)
        return out


class FrameTree:
    """Frames by name; ``StationError`` when one hangs on nothing, or on itself."""

    def __init__(self, frames: Mapping[str, FrameStation]) -> None:
        if BASE in frames:
            raise StationError(f"frames: {BASE!r} is what the others are fixed to: give it another name")
        self.transforms: dict[str, Array] = {BASE: np.eye(4)}
        """Frame -> where it is, seen from base, (4, 4)."""
        waiting = dict(frames)
        while found := [name for name, frame in waiting.items() if frame.parent in self.transforms]:
            for name in found:
                frame = waiting.pop(name)
                self.transforms[name] = self.transforms[frame.parent] @ frame.transform()
        if waiting:
            name, frame = next(iter(waiting.items()))
            raise StationError(f"frames: {name!r} hangs on {frame.parent!r}, which leads to no {BASE!r}: correct it")

    def to_base(self, frame: str, pose: Array) -> Array:
        """``pose`` (7,) seen from ``frame``, seen from base; ``CommandRejectedError`` for a frame that is not known."""
        if frame not in self.transforms:
            known = ", ".join(self.transforms)
            raise CommandRejectedError(f"there is no frame {frame!r}; give the pose in one of: {known}")
        transform = self.transforms[frame]
        out = np.array(pose, dtype=float)
        out[:3] = transform[:3, :3] @ pose[:3] + transform[:3, 3]
        out[3:] = _times(_quaternion(transform[:3, :3]), out[3:])
        return out


def _times(a: Array, b: Array) -> Array:
    """Product of quaternions xyzw."""
    av, bv = a[:3], b[:3]
    return np.append(a[3] * bv + b[3] * av + np.cross(av, bv), a[3] * b[3] - av @ bv)


def _quaternion(rot: Array) -> Array:
    """Of a rotation matrix, xyzw: its largest component found first (Shepperd's method)."""
    squares = np.append(1.0 + 2.0 * np.diag(rot) - np.trace(rot), 1.0 + np.trace(rot)) / 4.0
    k = int(np.argmax(squares))
    off, skew = rot + rot.T, np.array([rot[2, 1] - rot[1, 2], rot[0, 2] - rot[2, 0], rot[1, 0] - rot[0, 1]])
    four = np.append(skew, 4 * squares[3]) if k == 3 else np.append(off[k], skew[k])
    if k < 3:
        four[k] = 4 * squares[k]
    return four / np.linalg.norm(four)
