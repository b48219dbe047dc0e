"""Notices from another process that an arm's loop no longer turns, in a thread of compiled code."""

from __future__ import annotations

import threading
import time

import numpy as np

from controllers.loop.exchange import Exchange
from controllers.loop.realtime import try_fifo
from controllers.loop.words import Word, read_word
from controllers.numeric.atomics import atomic_load, store_word
from controllers.numeric.jit import kernel
from controllers.numeric.native import clock_functions, clock_now, sleep_until

LIMIT = 0.004
"""A loop of 1 kHz that has not turned for this long is noticed; with the time between two looks that is within 5 ms."""
EVERY = 0.0005
"""Time between two looks [s]."""


def alarm_dtype() -> np.dtype:
    """What the watcher knows; times in ns."""
    names = "limit every silent stalls longest noticed_at last_beat park gettime nanosleep"
    return np.dtype([(name, "i8") for name in names.split()])


@kernel
def look(alarm: np.void, words: int) -> None:
    """Compare the loop's last sign of life with the time."""
    beat, now = read_word(words, Word.ARM_BEAT), clock_now(alarm.gettime)
    age = now - beat if beat != 0 else 0
    if age <= alarm.limit:
        alarm.silent = 0
        return
    alarm.longest = max(alarm.longest, age)
    if alarm.silent == 0:
        alarm.silent, alarm.last_beat, alarm.noticed_at = 1, beat, now
        alarm.stalls += 1


@kernel
def watch(alarm: np.void, words: int, park: int) -> None:
    """Look until the word at address ``park`` is not 0."""
    while atomic_load(park) == 0:
        sleep_until(alarm.nanosleep, clock_now(alarm.gettime) + alarm.every)
        look(alarm, words)


class LoopAlarm:
    """Watches the arm of an exchange. A parked loop (before its start, in a reset) is none that failed.

    Args:
        exchange: Of the arm.
        priority: Of SCHED_FIFO for the watching thread; 0: none.
        limit: Longest time without a turn [s].
    """

    def __init__(self, exchange: Exchange, priority: int = 0, limit: float = LIMIT) -> None:
        self.exchange, self.priority = exchange, priority
        self.record = np.zeros((), alarm_dtype())[()]
        self.record["limit"], self.record["every"] = round(limit * 1e9), round(EVERY * 1e9)
        self.record["gettime"], self.record["nanosleep"] = clock_functions()
        self._park = np.ones(1, np.int64)
        watch(self.record, exchange.words, self._park.ctypes.data)
        self._park[0] = 0
        self._thread = threading.Thread(target=self._work, name="loop alarm", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        if self.priority > 0:
            try_fifo(self.priority)
        watch(self.record, self.exchange.words, self._park.ctypes.data)

    @property
    def stalls(self) -> int:
        """How often the loop stood still for longer than the limit."""
        return int(self.record["stalls"])

    @property
    def longest(self) -> float:
        """Longest time that the loop stood still, of those that were noticed [s]."""
        return float(self.record["longest"]) * 1e-9

    @property
    def silent_for(self) -> float:
        """How long the loop has been standing still now [s]; 0 when it turns."""
        if not self.record["silent"]:
            return 0.0
        return (time.monotonic_ns() - int(self.record["last_beat"])) * 1e-9

    @property
    def reaction(self) -> float:
        """Time from the last turn before the last stall to when it was noticed [s]."""
        return float(self.record["noticed_at"] - self.record["last_beat"]) * 1e-9

    def close(self) -> None:
        """Stop watching."""
        store_word(self._park.ctypes.data, 1)
        self._thread.join(1.0)
