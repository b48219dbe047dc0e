"""What a device says, before any mapping; and the place where a reader's thread leaves it for the control loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np

from robot_rl.core.records import Array


@dataclass(frozen=True, kw_only=True)
class Press:
    """A button that went down, or came up after ``held`` seconds."""

    name: str
    down: bool
    held: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a device has said since the last sample."""

    stamp: float
    """Its last sign of life, monotonic [s]; -inf: none yet."""
    axes: Array
    """Mean deflection since the last sample, (6,) in [-1, 1]: forward, left, up, and turns about these axes."""
    buttons: frozenset[str]
    """What is down now."""
    presses: tuple[Press, ...]
    """What went down or came up, in order."""
    pose: Array | None = None
    """Where a hand-held device is, (7,) in a frame of its own whose z axis points up; None: it cannot say."""
    grip: float | None = None
    """How far a trigger is pulled, in [0, 1]; None: there is none, or it is not a trigger's business."""


class Device(Protocol):
    """A reader of one device. A context manager; ``__init__`` opens nothing.

    ``MissingDependencyError`` or ``ConnectionLostError`` on opening says in one line what to do.
    """

    name: str

    def __enter__(self) -> Device: ...
    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
    def sample(self) -> Sample: ...


class Inbox:
    """The newest of everything a device said; deflections are averaged over the time between two samples.

    Averaging keeps what a velocity device means: the way that the arm shall go is the integral of its deflection,
    however rarely the control loop looks. One thread puts, another one takes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._stamp = -np.inf
        self._axes, self._sum = np.zeros(6), np.zeros(6)
        self._since = self._taken = clock()
        self._down: dict[str, float] = {}
        self._presses: list[Press] = []
        self._pose: Array | None = None
        self._grip: float | None = None

    def alive(self) -> None:
        """The device is there, though it has nothing to say."""
        with self._lock:
            self._stamp = self.clock()

    def put_axes(self, axes: Array) -> None:
        """Deflection (6,) from now on; not finite counts as none."""
        clean = np.clip(np.nan_to_num(np.asarray(axes, np.float64), nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
        with self._lock:
            self._integrate()
            self._axes, self._stamp = clean, self._since

    def put_buttons(self, names: frozenset[str]) -> None:
        """What is down from now on."""
        with self._lock:
            self._stamp = now = self.clock()
            for name in sorted(set(self._down) - names):
                self._presses.append(Press(name=name, down=False, held=now - self._down.pop(name)))
            for name in sorted(names - set(self._down)):
                self._down[name] = now
                self._presses.append(Press(name=name, down=True))

    def put_pose(self, pose: Array | None, grip: float | None = None) -> None:
        """Where the device is, (7,), or None when it does not know; how far its trigger is pulled."""
        with self._lock:
            self._stamp = self.clock()
            self._pose, self._grip = (pose if _is_pose(pose) else None), grip

    def lost(self) -> None:
        """The device is gone: nothing is deflected or held any more."""
        with self._lock:
            self._integrate()
            self._axes, self._pose = np.zeros(6), None
            self._down.clear()
            self._stamp = -np.inf

    def take(self) -> Sample:
        """What was said since the last time."""
        with self._lock:
            self._integrate()
            span = self._since - self._taken
            axes = self._sum / span if span > 0 else self._axes.copy()
            self._sum, self._taken = np.zeros(6), self._since
            presses, self._presses = tuple(self._presses), []
            down = frozenset(self._down)
            pose, grip, stamp = self._pose, self._grip, self._stamp
            return Sample(stamp=stamp, axes=axes, buttons=down, presses=presses, pose=pose, grip=grip)

    def _integrate(self) -> None:
        now = self.clock()
        self._sum += (now - self._since) * self._axes
        self._since = now


def _is_pose(pose: Array | None) -> bool:
    """Whether ``pose`` is seven finite numbers with a unit quaternion."""
    if pose is None or np.shape(pose) != (7,) or not np.isfinite(pose).all():
        return False
    return abs(float(np.linalg.norm(pose[3:])) - 1.0) < 1e-2
