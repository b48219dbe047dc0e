"""Bring an arm home with the controller it already has: small commands to the home pose, through the same filter."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from controllers.numeric.rotations import pose_add, pose_error
from drivers.link import ArmFaultError
from robot_rl.core.records import Array, Command, RobotState, Source

NEAR = (0.01, 0.05)
"""Distance from home that counts as there [m, rad]."""
STEP = (0.08, 0.4)
"""Longest step of one command [m, rad]."""
COMMAND_EVERY = 0.05
"""Time between the commands [s]."""
LIMIT = 20.0
"""Longest time to get home [s]."""


class Homing(Protocol):
    """What ``go_home`` needs of an arm."""

    period: float
    fault: str

    def interrupt(self) -> bool: ...
    def advance(self, ticks: int) -> None: ...
    def now(self) -> float: ...
    def state(self) -> RobotState: ...
    def send(self, command: Command) -> Command: ...
    def stop(self) -> None: ...
    def home_pose(self) -> Array: ...


def step_towards(start: Array, goal: Array) -> Array:
    """A pose (7,) at most one ``STEP`` from ``start`` on the way to ``goal``."""
    delta = pose_error(goal, start)
    for part, longest in enumerate(STEP):
        length = float(np.linalg.norm(delta[3 * part : 3 * part + 3]))
        if length > longest:
            delta[3 * part : 3 * part + 3] *= longest / length
    return pose_add(start, delta)


def go_home(arm: Homing) -> None:
    """Move until the tool is home; ``ArmFaultError``, the arm on hold, when it is interrupted or does not arrive."""
    home = arm.home_pose()
    every = max(1, round(COMMAND_EVERY / arm.period))
    for seq in range(math.ceil(LIMIT / COMMAND_EVERY)):
        state = arm.state()
        error = pose_error(state.ee_pose, home)
        if np.linalg.norm(error[:3]) < NEAR[0] and np.linalg.norm(error[3:]) < NEAR[1]:
            arm.stop()
            return
        target, now = step_towards(state.reference, home), arm.now()
        arm.send(
            Command(
                stamp=now,
                seq=seq,
                valid_until=now + 4 * COMMAND_EVERY,
                duration=2 * COMMAND_EVERY,
                pose=target,
                gripper=state.gripper,
                source=Source.RESET,
            )
        )
        for _ in range(every):
            arm.advance(1)
            if arm.fault or arm.interrupt():
                arm.stop()
                raise ArmFaultError(f"the way home was ended: {arm.fault or 'the graph was halted'}")
    arm.stop()
    raise ArmFaultError(f"not home within {LIMIT:.0f} s; something is in its way: look at the arm")
