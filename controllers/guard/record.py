"""What the guard around the control tick knows, as one record, and what it is told at its start."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from controllers.guard.collision import Shape
from robot_rl.core.errors import ConfigError

WAYPOINTS = 5


@dataclass(frozen=True, kw_only=True)
class GuardConfig:
    """Times, speeds and distances of the guard (control.md §3, §7)."""

    soft_start: float = 1.0
    """Time over which the stiffness rises after a start [s]."""
    damp_after: float = 0.3
    """Time past a command's ``valid_until`` after which the arm lets go and damps [s]."""
    idle_after: float = 2.0
    """Time after which it must be activated anew [s]."""
    damping_rate: float = 25.0
    """How fast every velocity dies out when damping [1/s]."""
    rest_speed: float = 0.02
    """A joint slower than this is at rest [rad/s]."""
    pause_max: float = 0.02
    """Longest time between two ticks [s]."""
    position_slack: float = 0.02
    """How far a joint may be beyond its end [rad]."""
    speed_slack: float = 1.2
    """How much faster than its limit a joint may be, as a factor."""
    wall_margin: float = 0.02
    """How far outside the workspace the tool may be pushed before the arm lets go [m]."""
    home_omega: float = 15.0
    """Natural frequency of the joint springs on the way home [rad/s]."""
    home_tau: float = 0.15
    """Largest torque of those springs, as a share of the arm's own limits."""
    home_lag: float = 0.1
    """The way home waits when a joint is further behind than this [rad]."""
    home_force: float = 25.0
    """External force that ends the way home [N]."""
    home_timeout: float = 20.0
    """Longest way home [s]."""
    home_tolerance: float = 0.03
    """How near every joint must come to home [rad]."""
    check_period: float = 0.01
    """Time between two looks for collisions [s]."""
    influence: float = 0.15
    """Distance below which the way to a goal may be cut [m]."""
    margin: float = 0.02
    """Distance that a goal always keeps [m]."""
    touch: float = 0.005
    """Distance that is taken for a contact [m]."""
    closing_rate: float = 8.0
    """How fast a distance may fall per metre of it [1/s]."""
    closing_free: float = 0.06
    """Speed at which a distance may always fall [m/s]."""

    def fill(self, guard: np.void, period: float) -> None:
        """Write the settings into a guard record; ``ConfigError`` for one that makes no sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 < value < math.inf:
                raise ConfigError(f"guard: {field.name} must be positive, it is {value}: correct it")
            guard[field.name] = value
        if not self.damp_after < self.idle_after:
            raise ConfigError("guard: damp_after is not below idle_after: swap them")
        if not self.touch < self.margin < self.influence:
            raise ConfigError("guard: touch < margin < influence does not hold: correct them")
        if self.damping_rate * period > 0.3:
            raise ConfigError(f"guard: damping_rate times the period of {period} s is over 0.3: lower it")
        guard["check_every"] = max(1, round(self.check_period / period))


SETTINGS = tuple(field.name for field in fields(GuardConfig))


def guard_dtype(n: int) -> np.dtype:
    """The guard of an arm with ``n`` joints. SI units, base axes."""
    scalars = "since before valid_until clearance way_clock contact_since rest_since settled_since "
    scalars += "lease_until lease_ttl blend_start last_now elapsed silent_since"
    counters = "tick phase reason ask touched bad last_mode last_code events check_every way_count way_index homing "
    counters += "owner last_owner leased epoch blending vetoed ignored late waiting asked_epoch "
    counters += "same garbled blind deaf lost contacts"
    names = [(name, "f8") for name in (*scalars.split(), *SETTINGS)] + [(name, "i8") for name in counters.split()]
    vectors = [(name, "f8", (n,)) for name in ("tau_in", "felt", "tau_before", "wanted", "row")]
    shaped = [("way", "f8", (WAYPOINTS, n))]
    shaped += [("way_time", "f8", (WAYPOINTS,)), ("waiting_events", "i8", (8, 5))]
    scratch = [("normal", "f8", (3,)), ("nearest", "f8", (2, 3)), ("slope", "f8", (6,)), ("delta", "f8", (6,))]
    poses = [("blend_target", "f8", (7,)), ("goal_before", "f8", (7,))]
    return np.dtype([*names, *vectors, *shaped, *scratch, *poses])


class Box(NamedTuple):
    """The black box as the kernels see it; every array is a ring. Rings without rows record nothing."""

    counts: np.ndarray
    """(4,) int64: rows, events, commands, snapshots ever written."""
    rows: np.ndarray
    events: np.ndarray
    commands: np.ndarray
    notes: np.ndarray
    """Of each command: when it came, under which lease, and what was said to it."""
    moments: np.ndarray
    """Of each snapshot: before which tick it was taken, and whether someone outside had changed a record."""
    configs: np.ndarray
    states: np.ndarray
    guards: np.ndarray
    """The records of each snapshot."""


class Guarded(NamedTuple):
    """All that a guarded tick works on. The records are arrays of length one, which numba takes over faster."""

    arm: np.ndarray
    config: np.ndarray
    state: np.ndarray
    guard: np.ndarray
    shape: Shape
    ends: np.ndarray
    """Scratch for the capsules' ends, (c, 2, 3)."""
    box: Box
