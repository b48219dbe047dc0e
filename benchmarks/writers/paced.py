"""Runs at a rate like a control loop, and keeps how long each step of the recorder took and how late the loop was."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Sequence

import numpy as np


def urgent() -> None:
    """Ask for the priority that a control loop has, and for two cores: other programs then disturb less."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


class Paced:
    """A loop at ``rate`` [Hz] that times one call per step; its own memory is taken beforehand."""

    def __init__(self, rate: float, steps: int) -> None:
        self.period = 1 / rate
        self.cost = np.zeros(steps)
        """Duration of each call [s]."""
        self.late = np.zeros(steps)
        """How late the next step could begin [s]."""
        self.waits = np.zeros(steps, np.int64)
        """How often each call gave up its core of its own will: for a lock, or the disk."""
        for pages in (self.cost, self.late, self.waits):
            pages.fill(0)
        self._done = 0

    def run(self, steps: int, call: Callable[[int], None]) -> None:
        """Call ``call(t)`` for ``t`` = 0 ... steps - 1."""
        due = time.perf_counter()
        for t in range(steps):
            before, start = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw, time.perf_counter()
            call(t)
            now = time.perf_counter()
            self.waits[self._done] = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
            self.cost[self._done] = now - start
            due += self.period
            self.late[self._done] = max(0.0, now - due)
            self._done += 1
            if now < due:
                time.sleep(due - now)
            else:
                due = now


def slow(paced: Paced) -> dict[str, int]:
    """Calls that took longer than 5 ms, and those of them that waited for something rather than being interrupted."""
    which = paced.cost > 5e-3
    return {"steps over 5 ms": int(which.sum()), "of them waited": int((paced.waits[which] > 0).sum())}


def spread(name: str, seconds: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Median, 99th percentile and maximum [ms]."""
    values = np.array(seconds) * 1e3
    return {
        f"{name} p50 ms": round(float(np.percentile(values, 50)), 3),
        f"{name} p99 ms": round(float(np.percentile(values, 99)), 3),
        f"{name} max ms": round(float(values.max()), 3),
    }
