"""Watchdogs: the age of commands in three stages, time itself, and how often an arm may recover (control.md §3.6)."""

from __future__ import annotations

import math
from collections import deque

from controllers.numeric.jit import kernel

FRESH, HOLD, DAMP, IDLE = range(4)
"""Stages of commands that stay away."""
STEADY, PAUSED, BACKWARDS = range(3)
"""What ``clock_state`` returns."""


@kernel
def command_stage(overdue: float, hold: float, damp: float, idle: float) -> int:
    """The stage for commands that are ``overdue`` [s] past their validity; -inf when none are expected."""
    if overdue > idle:
        return IDLE
    if overdue > damp:
        return DAMP
    return HOLD if overdue > hold else FRESH


@kernel
def clock_state(before: float, now: float, pause: float) -> int:
    """Whether time went on from ``before`` to ``now`` as it should, stood for more than ``pause`` [s], or ran back."""
    if not now > before:
        return BACKWARDS
    return PAUSED if now - before > pause and before > -math.inf else STEADY


class RecoveryBudget:
    """Allows a few recoveries in a while: an arm that faults again and again wants a person, not another try.

    Args:
        limit: How many.
        window: Within which time [s].
    """

    def __init__(self, limit: int = 3, window: float = 60.0) -> None:
        self.limit, self.window = limit, window
        self._times: deque[float] = deque(maxlen=limit)

    def take(self, now: float) -> bool:
        """Use one recovery at ``now`` [s]; False when none is left."""
        if self.wait(now) > 0.0:
            return False
        self._times.append(now)
        return True

    def wait(self, now: float) -> float:
        """How long until the next recovery is allowed [s]; 0: now."""
        if len(self._times) < self.limit:
            return 0.0
        return max(0.0, self._times[0] + self.window - now)
