"""One monotonic clock, and a rate that reports how late it was."""

from __future__ import annotations

import time

from robot_rl.core.protocols import Clock


class MonotonicClock:
    """The machine's CLOCK_MONOTONIC, shared by all its processes."""

    def now(self) -> float:
        """Monotonic time [s]."""
        return time.monotonic()

    def sleep_until(self, stamp: float) -> None:
        """Sleep; returns at once when ``stamp`` is past."""
        wait = stamp - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class Rate:
    """Keeps a loop at ``period`` [s] without drift; a late step does not hurry the next ones."""

    def __init__(self, period: float, clock: Clock) -> None:
        self.period = period
        self.clock = clock
        self.lateness = 0.0
        """How late the last ``wait`` found the loop [s]."""
        self.deadline = clock.now() + period

    def restart(self) -> None:
        """Start a new series of periods now."""
        self.deadline = self.clock.now() + self.period

    def wait(self) -> None:
        """Return at the next deadline."""
        self.lateness = max(0.0, self.clock.now() - self.deadline)
        if self.lateness > self.period:
            self.deadline = self.clock.now()
        self.clock.sleep_until(self.deadline)
        self.deadline += self.period
