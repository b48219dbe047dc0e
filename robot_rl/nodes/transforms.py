"""Frames that are fixed, and frames that move: where each is, seen from ``base``, now or a moment ago.

A tree of named frames, as TF keeps it, without ROS. Between two known places a frame moves along the geodesic; before
the first and after the last one it is nowhere, because a guess is how arms hit tables.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from controllers.numeric.rotations import matrix_to_quat, pose_add, pose_error, pose_inverse, pose_multiply
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.frames import BASE, FrameStation
from robot_rl.core.records import Array

HISTORY = 10.0
"""How long places are kept [s]."""
OLD = 1.0
"""The newest place of a moving frame is not used when it is older than this [s]."""
UNIT = 1e-2
"""How far from 1 the norm of a quaternion may be."""


class NotYetError(CommandRejectedError):
    """The place at that time may still come: ask again in a moment."""


@dataclass
class _Link:
    """Where one frame is, seen from its parent."""

    parent: str
    fixed: bool
    stamps: list[float] = field(default_factory=list)
    poses: list[Array] = field(default_factory=list)

    def add(self, pose: Array, stamp: float) -> None:
        if self.fixed or (self.stamps and stamp < self.stamps[-1] - HISTORY):
            self.stamps.clear()
            self.poses.clear()
        if self.stamps and stamp <= self.stamps[-1]:
            return
        self.stamps.append(stamp)
        self.poses.append(pose)
        if stamp - self.stamps[0] > 2 * HISTORY:
            gone = bisect_right(self.stamps, stamp - HISTORY)
            del self.stamps[:gone], self.poses[:gone]

    def at(self, child: str, stamp: float) -> Array:
        if self.fixed:
            return self.poses[-1]
        if stamp > self.stamps[-1]:
            raise NotYetError(f"frame {child!r} is not known at that time yet: its newest place is older")
        if stamp < self.stamps[0]:
            raise CommandRejectedError(f"frame {child!r} is not known at that time any more: send poses sooner")
        after = min(bisect_right(self.stamps, stamp), len(self.stamps) - 1)
        if after == 0:
            return self.poses[0]
        start, end = self.stamps[after - 1], self.stamps[after]
        share = (stamp - start) / (end - start)
        return pose_add(self.poses[after - 1], share * pose_error(self.poses[after], self.poses[after - 1]))


class TransformBuffer:
    """The frames of a station, and those that others tell of.

    Args:
        frames: Fixed frames of the station; nobody else may move them.
        own: Further frames that only this process tells of.
    """

    def __init__(self, frames: Mapping[str, FrameStation], own: tuple[str, ...] = ()) -> None:
        self._links: dict[str, _Link] = {}
        for name, frame in frames.items():
            matrix = frame.transform()
            pose = np.append(matrix[:3, 3], matrix_to_quat(matrix[:3, :3]))
            self._links[name] = _Link(frame.parent, True, [0.0], [pose])
        self._ours = {*frames, *own}

    def hear(self, parent: str, child: str, pose: Array, stamp: float, *, fixed: bool = False) -> None:
        """Take in what someone else says; ``CommandRejectedError`` for nonsense, and for a frame that is ours."""
        if child in self._ours:
            raise CommandRejectedError(f"frame {child!r} is this station's own: publish another name")
        self.add(parent, child, pose, stamp, fixed=fixed)

    def add(self, parent: str, child: str, pose: Array, stamp: float, *, fixed: bool = False) -> None:
        """``child`` is at ``pose`` (7,), seen from ``parent``, at ``stamp`` [s]; ``fixed``: always."""
        norm = float(np.linalg.norm(pose[3:]))
        if not (np.isfinite(pose).all() and abs(norm - 1.0) < UNIT and np.isfinite(stamp)):
            raise CommandRejectedError(f"frame {child!r} was given a place that is none: correct its publisher")
        if not parent or not child or parent == child:
            raise CommandRejectedError(f"frame {child!r} hangs on {parent!r}: correct its publisher")
        link = self._links.get(child)
        if link is None or link.parent != parent or link.fixed != fixed:
            link = self._links[child] = _Link(parent, fixed)
        link.add(np.append(pose[:3], pose[3:] / norm), stamp)

    def seen_from_parent(self, frame: str) -> Array:
        """The newest place of a frame that is known, (7,)."""
        return self._links[frame].poses[-1].copy()

    def _chain(self, frame: str) -> Iterator[str]:
        """From ``frame`` up to its root."""
        seen = {frame}
        yield frame
        while frame in self._links:
            frame = self._links[frame].parent
            if frame in seen:
                raise CommandRejectedError(f"frame {frame!r} hangs on itself: correct its publisher")
            seen.add(frame)
            yield frame

    def names(self) -> list[str]:
        """Every frame that leads to base."""
        known = {BASE, *self._links, *(link.parent for link in self._links.values())}
        return sorted(name for name in known if self._connected(name))

    def _connected(self, frame: str) -> bool:
        try:
            return not set(self._chain(frame)).isdisjoint(self._chain(BASE))
        except CommandRejectedError:
            return False

    def _path(self, frame: str) -> tuple[list[str], list[str]]:
        """Frames below the common one, on the side of ``frame`` and on the side of base."""
        mine, base = list(self._chain(frame)), list(self._chain(BASE))
        shared = next((name for name in mine if name in base), None)
        if shared is None:
            known = ", ".join(self.names())
            raise CommandRejectedError(f"no frame {frame!r} leads to {BASE!r}; give the pose in one of: {known}")
        return mine[: mine.index(shared)], base[: base.index(shared)]

    def lookup(self, frame: str, stamp: float | None, now: float) -> Array:
        """``frame`` seen from base, (7,), at ``stamp`` [s]; None: at the newest time that all its links have.

        ``NotYetError`` when that may still come; ``CommandRejectedError`` when it will not.
        """
        mine, base = self._path(frame)
        moving = [self._links[name].stamps[-1] for name in (*mine, *base) if not self._links[name].fixed]
        if stamp is None:
            stamp = min(moving, default=now)
            if now - stamp > OLD:
                raise CommandRejectedError(
                    f"frame {frame!r} was last seen {now - stamp:.1f} s ago: start its publisher"
                )
        return pose_multiply(pose_inverse(self._product(base, stamp)), self._product(mine, stamp))

    def _product(self, names: list[str], stamp: float) -> Array:
        """The first of ``names`` seen from the parent of the last."""
        out = np.array([0, 0, 0, 0, 0, 0, 1.0])
        for name in names:
            out = pose_multiply(self._links[name].at(name, stamp), out)
        return out
