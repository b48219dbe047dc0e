"""Who may move the arm: exactly one owner, by a lease with an epoch, and a smooth hand-over (control.md §3.9)."""

from __future__ import annotations

import math

import numpy as np

from controllers.guard.lifecycle import smooth
from controllers.numeric.jit import kernel
from controllers.numeric.rotations import pose_add_into, pose_error_into

RANK = (0, 1, 3, 2)
"""Of ``core.records.Source``: idle < policy < reset < person. The software stop is above all, it needs no lease."""
GRANTED, NOT_OWNER, EXPIRED_LEASE = 0, 16, 17
"""What ``admit`` returns; beside the codes of ``interpolation.accept``."""
IMPLICIT = 0.5
"""How long a source that took over without a lease keeps the arm after its last command [s]."""
BLEND = 0.1
"""Time over which a new owner's target takes over [s]."""


@kernel
def owned(guard: np.void, now: float) -> bool:
    """Whether anyone owns the arm at ``now`` [s]."""
    return guard.owner > 0 and now <= guard.lease_until


@kernel
def grant(guard: np.void, source: int, ttl: float, now: float) -> int:
    """Give the arm to ``source`` for ``ttl`` [s]; returns the epoch for its commands, 0 when someone owns it.

    A source of higher rank takes it from a lower one, whose epoch is worth nothing from then on.
    """
    if not 0 < source < 4 or not 0.0 < ttl < math.inf:
        return 0
    if owned(guard, now) and RANK[source] <= RANK[guard.owner]:
        return 0
    _take(guard, source, ttl, now)
    guard.leased = 1
    return guard.epoch


@kernel
def _take(guard: np.void, source: int, ttl: float, now: float) -> None:
    if guard.last_owner != source and guard.last_owner != 0:
        guard.blend_start = now
    guard.epoch += 1
    guard.owner = guard.last_owner = source
    guard.leased = 0
    guard.lease_ttl = ttl
    guard.lease_until = now + ttl


@kernel
def give_back(guard: np.void, epoch: int) -> bool:
    """End the lease ``epoch``; False when it had ended already."""
    if epoch != guard.epoch or guard.leased == 0:
        return False
    guard.owner, guard.leased, guard.lease_until = 0, 0, -math.inf
    return True


@kernel
def admit(guard: np.void, source: int, epoch: int, now: float) -> int:
    """Whether a command of ``source`` under ``epoch`` (0: without a lease) counts; a counted one renews the lease.

    Without a lease, a source gets the arm when nobody owns it or when it outranks the owner, and keeps it for a
    moment after its last command.
    """
    if epoch != 0:
        if epoch != guard.epoch or source != guard.owner or guard.leased == 0 or not owned(guard, now):
            return EXPIRED_LEASE
    elif owned(guard, now) and (guard.leased != 0 or source != guard.owner):
        if RANK[source] <= RANK[guard.owner]:
            return NOT_OWNER
        _take(guard, source, IMPLICIT, now)
    elif not owned(guard, now):
        _take(guard, source, IMPLICIT, now)
    guard.lease_until = now + guard.lease_ttl
    return GRANTED


@kernel
def start_blend(guard: np.void, state: np.void, before: np.ndarray, now: float) -> None:
    """A command was accepted: within a hand-over its goal becomes the target; the goal stays at ``before`` (7,)."""
    if now - guard.blend_start < BLEND:
        guard.blend_target[:] = state.goal
        state.goal[:] = before
        guard.blending = 1


@kernel
def blend(guard: np.void, state: np.void, now: float, period: float) -> None:
    """Move the goal towards the new owner's target, along the geodesic, so that it arrives at the hand-over's end."""
    if guard.blending == 0:
        return
    done = smooth((now - period - guard.blend_start) / BLEND)
    share = (smooth((now - guard.blend_start) / BLEND) - done) / max(1.0 - done, 1e-9)
    if now - guard.blend_start >= BLEND:
        share, guard.blending = 1.0, 0
    pose_error_into(guard.blend_target, state.goal, guard.delta)
    for i in range(6):
        guard.delta[i] *= min(max(share, 0.0), 1.0)
    pose_add_into(state.goal, guard.delta, state.goal)


class Hysteresis:
    """A person's device takes the arm only when it is moved clearly, and keeps it until it has rested.

    Args:
        threshold: Smallest norm of the device's reading that counts, in its own unit.
        engage: How long it must stay above before the person has the arm [s].
        release: How long it must stay below before she has not [s].
    """

    def __init__(self, threshold: float, engage: float = 0.05, release: float = 0.5) -> None:
        self.threshold, self.engage, self.release = threshold, engage, release
        self.engaged = False
        self._since: float | None = None

    def update(self, norm: float, now: float) -> bool:
        """Take in a reading at ``now`` [s]; whether the person has the arm."""
        if (norm > self.threshold) == self.engaged:
            self._since = None
            return self.engaged
        if self._since is None:
            self._since = now
        if now - self._since >= (self.release if self.engaged else self.engage):
            self.engaged, self._since = not self.engaged, None
        return self.engaged
