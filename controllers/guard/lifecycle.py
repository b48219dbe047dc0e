"""The phases of an arm, the reasons for leaving them, and what must hold before it moves (control.md §3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, IntFlag

import numpy as np

from controllers.numeric.jit import kernel
from robot_rl.core.records import Array


class Phase(IntEnum):
    """Where an arm is in its life. ``core.records.Mode`` says how full the tank is; it matters in ACTIVE only."""

    UNCONFIGURED = 0
    INACTIVE = 1
    """Joint damping only; waits for ``activate``."""
    SOFT_START = 2
    """Stiffness rises from nothing; commands are refused."""
    ACTIVE = 3
    """Follows commands."""
    DAMP = 4
    """Joint damping only: the motion dies out within half a second. Commands resume it when only they were missing."""
    HOMING = 5
    """Moves home by itself."""
    FAULT = 6
    """Joint damping only; leaves through ``recover``, asked for by a person."""
    RECOVERY = 7
    """Coming to rest before a soft start."""
    STOPPED = 8
    """Joint damping only, latched by a software stop; leaves through ``clear``."""


class Ask(IntFlag):
    """What another process may ask of the tick; it is granted in that very tick."""

    HOLD = 1
    STOP = 2
    """The latched software stop."""
    DAMP = 4
    DEACTIVATE = 8
    SILENT = 16
    """Whoever passes the commands on gives no sign of life."""
    ROBOT_STOPPED = 32
    """The robot has stopped by itself; asked by whoever drives it, as long as it stands with its brakes on."""


class Reason(IntEnum):
    """Why a phase was left."""

    NONE = 0
    ASKED = 1
    STALE = 2
    IDLE = 3
    SILENT = 4
    MEASUREMENT = 5
    CLOCK = 6
    LATE = 7
    POSITION = 8
    SPEED = 9
    ENERGY = 10
    WORKSPACE = 11
    COLLISION = 12
    CONTACT = 13
    TIMEOUT = 14
    NOT_HOME = 15
    STOPPED = 16
    DONE = 17
    COMMANDS = 18
    ROBOT_STOP = 19


REMEDIES = {
    Reason.NONE: "",
    Reason.ASKED: "a person or a program asked for it",
    Reason.STALE: "commands stopped coming: send commands, it then goes on by itself",
    Reason.IDLE: "no commands came for long: activate the arm",
    Reason.SILENT: "the bridge that passes the commands on is silent: restart it",
    Reason.MEASUREMENT: "it reported what cannot be (no number, a leap, frozen motion): check its driver, then recover",
    Reason.CLOCK: "the clock ran backwards: check the time source, then recover",
    Reason.LATE: "the loop was held up: free the processor, then recover",
    Reason.POSITION: "a joint is beyond its end: move it back by hand, then recover",
    Reason.SPEED: "a joint was faster than it may be: find out what drove it, then recover",
    Reason.ENERGY: "the energy ledger is broken or empty: something outside drives the arm; then recover",
    Reason.WORKSPACE: "the tool left the workspace: check what pushed it, then recover",
    Reason.COLLISION: "two links, or a link and the scene, came too near: check the target, then recover",
    Reason.CONTACT: "the arm touched something on its way home: clear the way, then go home again",
    Reason.TIMEOUT: "the way home took too long: clear the way, then go home again",
    Reason.NOT_HOME: "the arm came to rest away from home: check its load, then go home again",
    Reason.STOPPED: "the software stop was pressed: make the place safe, then clear it",
    Reason.DONE: "",
    Reason.COMMANDS: "commands came again",
    Reason.ROBOT_STOP: "the robot stopped by itself: find out what made it, release its brakes, then recover",
}
"""What to say of a reason, and what helps."""

NEXT = {
    Phase.UNCONFIGURED: {Phase.INACTIVE},
    Phase.INACTIVE: {Phase.SOFT_START, Phase.HOMING, Phase.FAULT, Phase.STOPPED},
    Phase.SOFT_START: {Phase.ACTIVE, Phase.DAMP, Phase.INACTIVE, Phase.FAULT, Phase.STOPPED},
    Phase.ACTIVE: {Phase.DAMP, Phase.HOMING, Phase.INACTIVE, Phase.FAULT, Phase.STOPPED},
    Phase.DAMP: {Phase.ACTIVE, Phase.HOMING, Phase.INACTIVE, Phase.RECOVERY, Phase.FAULT, Phase.STOPPED},
    Phase.HOMING: {Phase.SOFT_START, Phase.INACTIVE, Phase.DAMP, Phase.FAULT, Phase.STOPPED},
    Phase.FAULT: {Phase.RECOVERY, Phase.STOPPED},
    Phase.RECOVERY: {Phase.SOFT_START, Phase.INACTIVE, Phase.FAULT, Phase.STOPPED},
    Phase.STOPPED: {Phase.INACTIVE},
}
"""The phases that may follow each; whatever is not here never happens."""
POWERED = (Phase.SOFT_START, Phase.ACTIVE, Phase.HOMING)
"""Phases in which the arm moves by its own torque."""

WAITING = (Reason.STALE, Reason.SILENT)
"""Reasons for damping that end by themselves, as soon as commands come again."""


def alive(phase: Phase, reason: Reason) -> bool:
    """Whether the arm follows commands, or will do so by itself."""
    return phase in (*POWERED, Phase.RECOVERY) or (phase is Phase.DAMP and reason in WAITING)


REST = 0.05
"""A joint slower than this is at rest [rad/s]."""
SPRING_START = 0.05
"""Most energy in the springs at a start [J]."""
RESIDUAL = 5.0
"""Largest torque at rest that neither gravity nor the command explains [N m]: beyond it the payload is wrong."""


@kernel
def smooth(x: float) -> float:
    """From 0 at x <= 0 to 1 at x >= 1, with no slope at either end."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def refusals(arm: np.void, q: Array, dq: Array, residual: Array, spring: float) -> Iterator[str]:
    """Every reason not to start an arm as it is now; none: it may start.

    Args:
        arm: Record of its model.
        q: Joint positions (n,) [rad].
        dq: Joint velocities (n,) [rad/s].
        residual: Torque that neither gravity nor the command explains (n,) [N m].
        spring: Energy that the springs would hold at the start [J].
    """
    if not (np.isfinite(q).all() and np.isfinite(dq).all() and np.isfinite(residual).all()):
        yield "it reports numbers that are not finite: check its driver"
        return
    for i in np.flatnonzero((q < arm["q_min"]) | (q > arm["q_max"])):
        yield f"joint {i + 1} is beyond its end at {q[i]:.3f} rad: move it back by hand"
    if np.abs(dq).max() > REST:
        yield f"it moves with {np.abs(dq).max():.2f} rad/s: wait until it is at rest"
    worst = int(np.abs(residual).argmax())
    if abs(residual[worst]) > RESIDUAL:
        yield f"joint {worst + 1} bears {abs(residual[worst]):.1f} N m at rest: set the payload, or free the arm"
    if spring > SPRING_START:
        yield f"its springs would hold {spring:.2f} J: move it into the workspace, away from its joints' ends"
