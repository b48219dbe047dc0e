"""A client's hold on the arm: taken before a command, renewed by each, yielded to a person, taken again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from robot_rl.core.records import Source

NO_LEASE = -1
"""An epoch that never is one: commands under it are counted and ignored."""
AGAIN = 0.2
"""Time between two attempts to take the arm [s]."""
ECHO = 0.05
"""A state this much younger than a lease shows it [s]."""


class Lease:
    """Asks for the arm in the name of whoever a command comes from.

    A person outranks a policy: while a person has the arm, a policy's commands go out under the lease that it lost, so
    that they are counted and ignored, and the policy has the arm again as soon as it is free.

    Args:
        take: Asks the arm for a lease for a source and a time to live [s]; the epoch, or 0.
        give: Gives the lease with that epoch back; one that ended already harms no other.
        ttl: Time to live beyond each command [s]; 0: commands are sent without a lease.
    """

    def __init__(self, take: Callable[[Source, float], int], give: Callable[[int], None], ttl: float) -> None:
        self.take, self.give, self.ttl = take, give, ttl
        self._source: Source | None = None
        self._epoch = NO_LEASE
        self._since = self._tried = -np.inf

    def epoch(self, source: Source, state: np.void | np.ndarray | None) -> int:
        """For a command of ``source``, given the newest ``state`` of the arm."""
        if not self.ttl:
            return 0
        if source is not self._source:
            self.end()
            self._source, self._tried = source, -np.inf
        if not self.held(state) and time.monotonic() - self._tried > AGAIN:
            self._take(source)
        return self._epoch

    def _take(self, source: Source) -> None:
        epoch = self.take(source, self.ttl)
        self._tried = time.monotonic()
        if epoch:
            self._epoch, self._since = epoch, self._tried

    def held(self, state: np.void | np.ndarray | None) -> bool:
        """Whether the lease still stands, as far as ``state`` tells."""
        if self._source is None or self._epoch == NO_LEASE:
            return False
        if state is None or float(state["stamp"]) < self._since + ECHO:
            return True
        return int(state["owner"]) == int(self._source) and int(state["epoch"]) == self._epoch

    def renew(self) -> None:
        """Take the arm anew for whoever had it last: a reset ends every lease."""
        if self._source is not None and self.ttl:
            self._epoch = NO_LEASE
            self._take(self._source)

    def end(self) -> None:
        """Give the arm back."""
        if self._source is not None and self._epoch != NO_LEASE:
            self.give(self._epoch)
        self._source, self._epoch = None, NO_LEASE
