"""Moves to a pose, however far: a chain of near targets, each a command like any other, until the arm is there.

And moves to joint positions, which the arm makes by itself, by the way that it goes home.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from controllers.guard.lifecycle import Ask, Phase
from controllers.numeric.rotations import pose_add, pose_error
from robot_rl.core.records import Array, Command, RobotState, Source

STEP = (0.08, 0.3)
"""Largest lead of a target over the reference [m], [rad]."""
NEAR = (0.004, 0.02)
"""How near the reference must come to the pose [m], [rad]."""
ARRIVED = (0.01, 0.05)
"""How near the arm itself must be: it is compliant, and something may hold it [m], [rad]."""
AHEAD = 0.3
"""How long each command is valid [s]."""
TIMEOUT = 20.0
"""Longest move [s]."""


REACHED = "reached"
JOINTS_NEAR = 0.05
"""How near every joint must come to its position [rad]."""
JOINTS_TIMEOUT = 60.0
"""Longest move to joint positions [s]."""


class AnyMove(Protocol):
    """What both kinds of move have."""

    outcome: str
    distance: float
    angle: float
    cancel: Ask
    """What ends it before its time."""

    def step(self, state: RobotState, seq: int, now: float) -> Command | None: ...


class Move:
    """One move to a pose.

    Args:
        pose: Where to, (7,), seen from base.
        now: Monotonic time of its start [s].
    """

    cancel = Ask.HOLD

    def __init__(self, pose: Array, now: float) -> None:
        self.pose, self.started = np.array(pose, dtype=float), now
        self.outcome = ""
        """``reached``, ``timed out`` or ``cancelled``, at the end."""
        self.distance = self.angle = np.inf

    def step(self, state: RobotState, seq: int, now: float) -> Command | None:
        """The next command; None at the end."""
        error, rest = pose_error(self.pose, state.reference), pose_error(self.pose, state.ee_pose)
        self.distance, self.angle = _norms(rest)
        lead, turn = _norms(error)
        asked = lead < NEAR[0] and turn < NEAR[1]
        if asked and self.distance < ARRIVED[0] and self.angle < ARRIVED[1]:
            self.outcome = REACHED
        elif now - self.started > TIMEOUT:
            self.outcome = "timed out"
        if self.outcome:
            return None
        share = min(1.0, STEP[0] / max(lead, 1e-9), STEP[1] / max(turn, 1e-9))
        target = self.pose if share >= 1.0 else pose_add(state.reference, share * error)
        return Command(
            stamp=now,
            seq=seq,
            valid_until=now + AHEAD,
            duration=0.1,
            pose=target,
            gripper=state.gripper,
            source=Source.HUMAN,
        )


def _norms(error: Array) -> tuple[float, float]:
    return float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))


class JointMove:
    """A move that was asked of the arm already; this only watches it.

    Args:
        q: Where to, (n,) [rad].
        now: Monotonic time of its start [s].
        phase: Where the arm is in its life.
    """

    cancel = Ask.DAMP

    def __init__(self, q: Array, now: float, phase: Callable[[], Phase]) -> None:
        self.q, self.started, self.phase = np.array(q, dtype=float), now, phase
        self.outcome, self.distance, self.angle = "", np.inf, 0.0
        self._began = False

    def step(self, state: RobotState, seq: int, now: float) -> Command | None:  # noqa: ARG002  (as ``Move``)
        """Look how far it is; it needs no commands."""
        self.distance, phase = float(np.abs(state.q - self.q).max()), self.phase()
        self._began |= phase is Phase.HOMING
        if not self._began:
            self.outcome = "the arm did not start" if now - self.started > 1.0 else ""
        elif phase in (Phase.SOFT_START, Phase.ACTIVE):
            self.outcome = REACHED if self.distance < JOINTS_NEAR else "the arm was stopped on its way"
        elif phase is not Phase.HOMING:
            self.outcome = f"the arm is {phase.name}"
        elif now - self.started > JOINTS_TIMEOUT:
            self.outcome = "timed out"
        return None
