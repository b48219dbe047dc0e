"""How late this machine wakes a loop of 1 kHz: measured with the arm's own clock, in compiled code."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from controllers.loop.memory import page_faults, prefault
from controllers.loop.realtime import stay_awake, try_fifo, try_pin
from controllers.numeric.histogram import Counts, count, new_counts, percentile
from controllers.numeric.jit import kernel
from controllers.numeric.native import clock_functions, clock_now, sleep_until

EDGES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 102_000)
"""Upper edges of the rows of a picture [us]."""


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """Lateness of a loop's wake-ups [s]."""

    rounds: int
    p50: float
    p99: float
    p999: float
    largest: float
    missed: int
    """Periods in which the loop did not wake at all."""
    fifo: bool
    """Whether it had real-time priority."""
    awake: bool
    """Whether the processors were kept out of deep sleep."""
    faults: int
    """Page faults within the loop."""
    rows: tuple[tuple[int, float], ...]
    """Upper edge [us] and share of the wake-ups below it and above the one before."""


@kernel
def _rounds(counts: Counts, clock: tuple[int, int], period: int, rounds: int) -> tuple[int, int]:
    """Wake ``rounds`` times, ``period`` [ns] apart; the largest lateness [ns], and how many periods were missed."""
    largest, missed = 0, 0
    deadline = clock_now(clock[0]) + period
    for _ in range(rounds):
        sleep_until(clock[1], deadline)
        late = clock_now(clock[0]) - deadline
        count(counts, late)
        largest = max(largest, late)
        missed += late // period
        deadline += (1 + late // period) * period
    return largest, missed


def measure_jitter(seconds: float, period: float = 0.001, priority: int = 80, cpu: int | None = None) -> Jitter:
    """Run an empty loop for ``seconds``, in a thread with ``priority`` of SCHED_FIFO where that is granted."""
    found: list[Jitter] = []
    thread = threading.Thread(target=lambda: found.append(_measure(seconds, period, priority, cpu)))
    thread.start()
    thread.join()
    return found[0]


def _measure(seconds: float, period: float, priority: int, cpu: int | None) -> Jitter:
    counts, clock, nanoseconds = new_counts(), clock_functions(), round(period * 1e9)
    _rounds(counts, clock, nanoseconds, 20)
    counts[:] = 0
    fifo = priority > 0 and try_fifo(priority)
    if cpu is not None:
        try_pin(cpu)
    prefault()
    awake, before = stay_awake(), page_faults()
    largest, missed = _rounds(counts, clock, nanoseconds, max(1, round(seconds / period)))
    faults = page_faults() - before
    if awake is not None:
        awake.close()
    p50, p99, p999 = (float(percentile(counts, share)) for share in (0.5, 0.99, 0.999))
    return Jitter(
        rounds=int(counts.sum()),
        p50=p50,
        p99=p99,
        p999=p999,
        largest=largest * 1e-9,
        missed=int(missed),
        fifo=fifo,
        awake=awake is not None,
        faults=faults,
        rows=rows_of(counts),
    )


def rows_of(counts: Counts) -> tuple[tuple[int, float], ...]:
    """Shares of a histogram between the ``EDGES``."""
    fine = np.arange(2000) + 1
    edges = np.concatenate([fine, 2000 + 100 * (np.arange(len(counts) - 2000) + 1)])
    slot = np.searchsorted(np.array(EDGES), edges)
    sums = np.bincount(np.minimum(slot, len(EDGES) - 1), counts, len(EDGES))
    return tuple((edge, float(share)) for edge, share in zip(EDGES, sums / max(1, counts.sum()), strict=True))
