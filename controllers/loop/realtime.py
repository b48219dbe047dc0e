"""The clock of the real-time loop: absolute deadlines, what the system grants, and how late it really was."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO

from controllers.loop.memory import lock_memory, prefault
from controllers.numeric.histogram import Histogram

LATENCY = "/dev/cpu_dma_latency"
LATE = 200e-6
"""A loop of 1 kHz that wakes later than this at p99 moves no robot [s]."""


class Ticker:
    """Wakes at absolute deadlines, one ``period`` [s] apart, without drift.

    A loop that was held up for ``n`` periods gets ``n`` ticks to make up, at most ``catch_up`` of them; what is beyond
    is dropped and counted in ``missed``. On a real arm the robot's packet is the clock instead of this.
    """

    def __init__(self, period: float, catch_up: int = 20) -> None:
        self.period = round(period * 1e9)
        self.catch_up = catch_up
        self.lateness = Histogram()
        self.missed = 0
        self._deadline = time.monotonic_ns() + self.period

    def restart(self) -> None:
        """Start a new series of deadlines now: after a reset, which takes as long as it takes."""
        self._deadline = time.monotonic_ns() + self.period

    def wait(self) -> int:
        """Sleep to the next deadline; returns how many ticks are due."""
        ahead = self._deadline - time.monotonic_ns()
        if ahead > 0:
            time.sleep(ahead * 1e-9)
        late = max(time.monotonic_ns() - self._deadline, 0)
        self.lateness.add(late)
        due = 1 + late // self.period
        self._deadline += due * self.period
        if due > self.catch_up:
            self.missed += due - self.catch_up
            due = self.catch_up
        return due

    @property
    def deadline(self) -> float:
        """The next deadline, monotonic [s]."""
        return self._deadline * 1e-9


@dataclass(frozen=True, kw_only=True)
class Grants:
    """What the system granted to the real-time loop, and the remedy where it did not."""

    fifo: bool
    locked: bool
    cpu: int | None
    remedies: tuple[str, ...]
    prefaulted: bool = False
    """Stack and heap were touched, so that the loop's first use of them costs no page fault."""
    awake: FileIO | None = field(default=None, repr=False)
    """Holds the processors out of deep sleep as long as it is open."""


def request_realtime(priority: int, cpu: int | None = None) -> Grants:
    """Ask for SCHED_FIFO, locked memory, one processor and no deep sleep; touch stack and heap; freeze the garbage
    collector. Call after warming up, in the loop's own thread.

    Args:
        priority: Of SCHED_FIFO, 1 to 99; 0 asks for nothing but the collector.
        cpu: Processor to stay on; None leaves it to the system.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    if priority == 0:
        return Grants(fifo=False, locked=False, cpu=None, remedies=())
    locked, prefaulted, awake = lock_memory(), prefault(), stay_awake()
    fifo, pinned = try_fifo(priority), cpu is not None and try_pin(cpu)
    remedies = [
        (fifo, f"no SCHED_FIFO: add 'rtprio {priority}' for your user to /etc/security/limits.conf"),
        (locked, "memory is not locked: add 'memlock unlimited' for your user to /etc/security/limits.conf"),
        (pinned or cpu is None, f"processor {cpu} cannot be used: choose one of {sorted(_processors())}"),
    ]
    return Grants(
        fifo=fifo,
        locked=locked,
        cpu=cpu if pinned else None,
        remedies=tuple(text for ok, text in remedies if not ok),
        prefaulted=prefaulted,
        awake=awake,
    )


def stay_awake() -> FileIO | None:
    """Keep the processors out of sleeps that take long to wake from, until the file is closed; None: not granted."""
    try:
        file = FileIO(LATENCY, "w")
        file.write((0).to_bytes(4, "little"))
    except OSError:
        return None
    return file


def refusals(*, fifo: bool, locked: bool, p99: float) -> Iterator[str]:
    """Why a robot must not be activated on such a loop; none: it may.

    Args:
        fifo: Whether it has real-time priority.
        locked: Whether its memory is locked.
        p99: How late it wakes [s]; 0 for one that an arm's packets wake.
    """
    if not fifo:
        yield "its loop has no real-time priority"
    if not locked:
        yield "its memory is not locked"
    if p99 > LATE:
        yield f"its loop wakes {p99 * 1e6:.0f} us late (p99; {LATE * 1e6:.0f} are allowed)"


def _processors() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def try_fifo(priority: int) -> bool:
    """Ask for SCHED_FIFO with ``priority``, 1 to 99; whether it was granted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (OSError, AttributeError):
        return False
    return True


def try_pin(cpu: int) -> bool:
    """Stay on one processor; whether that was granted."""
    try:
        os.sched_setaffinity(0, {cpu})
    except (OSError, AttributeError):
        return False
    return True
