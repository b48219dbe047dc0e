"""What makes an arm leave a phase: broken measurements, time, energy, missing commands, requests (control.md §3.6)."""

from __future__ import annotations

import math

import numpy as np

from controllers.black_box import note_event
from controllers.estop import release
from controllers.interpolation import hold
from controllers.jit import kernel
from controllers.watchdog import BACKWARDS, DAMP, IDLE, PAUSED, clock_state, command_stage
from robot_rl.core.records import Array

_, INACTIVE, SOFT_START, ACTIVE, DAMPING, HOMING, FAULT, RECOVERY, STOPPED = range(9)
"""``lifecycle.Phase`` as the kernels know it."""
_, ASKED, STALE, IDLE_LONG, SILENT, MEASUREMENT, CLOCK, LATE, POSITION, SPEED, ENERGY, WORKSPACE, COLLISION = range(13)
CONTACT, TIMEOUT, NOT_HOME, STOP_PRESSED, DONE, COMMANDS = range(13, 19)
"""``lifecycle.Reason`` as the kernels know it."""
ASK_HOLD, ASK_STOP, ASK_DAMP, ASK_DEACTIVATE, ASK_SILENT = 1, 2, 4, 8, 16
"""``lifecycle.Ask`` as the kernels know it."""
KERNEL_FAULT = 4


@kernel
def enter(guard: np.void, state: np.void, phase: int, reason: int, now: float) -> None:
    """Change the phase, for a reason that is written down."""
    note_event(guard, phase, state.mode, reason)
    if phase == DAMPING or phase == FAULT or phase == INACTIVE or phase == STOPPED or phase == HOMING:
        release(state)
    elif phase == ACTIVE:
        state.soften_goal = 1.0
    guard.phase, guard.reason, guard.since = phase, reason, now
    guard.rest_since, guard.settled_since, guard.contact_since, guard.homing = now, math.inf, math.inf, 0
    guard.valid_until = math.inf


@kernel
def powered(guard: np.void) -> bool:
    """Whether the arm moves by its own torque."""
    return guard.phase == SOFT_START or guard.phase == ACTIVE or guard.phase == HOMING


@kernel
def _broken(arm: np.void, guard: np.void, q: Array, dq: Array) -> int:
    """A fault that the measurement shows, or 0. One bad packet passes: the tick keeps its torque over it."""
    total = 0.0
    for i in range(q.shape[0]):
        total += q[i] * 0.0 + dq[i] * 0.0
    guard.bad = 0 if total == 0.0 else guard.bad + 1
    if guard.bad > 0:
        return MEASUREMENT if guard.bad > 1 else 0
    for i in range(q.shape[0]):
        if not arm.q_min[i] - guard.position_slack <= q[i] <= arm.q_max[i] + guard.position_slack:
            return POSITION
        if abs(dq[i]) > guard.speed_slack * arm.dq_max[i]:
            return SPEED
    return 0


@kernel
def _outside(config: np.void, state: np.void, margin: float) -> bool:
    """Whether the tool is further than ``margin`` [m] outside the workspace and still on its way out."""
    for i in range(3):
        x, v = state.ee_pose[i], state.ee_twist[i]
        if (x > config.box_max[i] + margin and v > 0.01) or (x < config.box_min[i] - margin and v < -0.01):
            return True
    return False


@kernel
def watch_time(guard: np.void, state: np.void, now: float) -> None:
    """The clock goes on, without pauses."""
    clock = clock_state(guard.before, now, guard.pause_max)
    guard.before = now
    if clock == PAUSED:
        guard.late += 1
    if not powered(guard) and clock != BACKWARDS:
        return
    if clock == BACKWARDS and guard.phase != FAULT and guard.phase != STOPPED:
        enter(guard, state, FAULT, CLOCK, now)
    elif clock == PAUSED:
        enter(guard, state, DAMPING, LATE, now)


@kernel
def watch_arm(arm: np.void, guard: np.void, state: np.void, q: Array, dq: Array, now: float) -> None:
    """The measurement is sound, the ledger holds, the tool is in the workspace."""
    broken = _broken(arm, guard, q, dq)
    if guard.phase == FAULT or guard.phase == STOPPED:
        return
    if broken == 0 and state.mode == KERNEL_FAULT and powered(guard):
        broken = ENERGY
    if broken == MEASUREMENT or (broken != 0 and powered(guard)):
        enter(guard, state, FAULT, broken, now)


@kernel
def watch_tool(config: np.void, guard: np.void, state: np.void, now: float) -> None:
    """The tool stays in the workspace."""
    if (guard.phase == ACTIVE or guard.phase == SOFT_START) and _outside(config, state, guard.wall_margin):
        enter(guard, state, DAMPING, WORKSPACE, now)


@kernel
def watch_commands(guard: np.void, state: np.void, now: float) -> None:
    """The three stages; the first, to hold, is in the control law itself."""
    if guard.phase == ACTIVE:
        if command_stage(now - guard.valid_until, 0.0, guard.damp_after, guard.idle_after) >= DAMP:
            overdue = guard.valid_until
            enter(guard, state, DAMPING, SILENT if guard.ask & ASK_SILENT != 0 else STALE, now)
            guard.valid_until = overdue
    elif guard.phase == DAMPING and (guard.reason == STALE or guard.reason == SILENT):
        if command_stage(now - guard.valid_until, 0.0, guard.damp_after, guard.idle_after) == IDLE:
            enter(guard, state, INACTIVE, IDLE_LONG, now)


@kernel
def grant_asks(guard: np.void, state: np.void, now: float) -> None:
    """Do what others ask for, the strongest request first."""
    if guard.ask & ASK_STOP != 0 and guard.phase != STOPPED:
        enter(guard, state, STOPPED, STOP_PRESSED, now)
    elif guard.ask & ASK_DEACTIVATE != 0 and (powered(guard) or guard.phase == DAMPING):
        enter(guard, state, INACTIVE, ASKED, now)
    elif guard.ask & ASK_DAMP != 0 and powered(guard):
        enter(guard, state, DAMPING, ASKED, now)
    elif guard.ask & ASK_HOLD != 0 and guard.phase == ACTIVE:
        hold(state)
        guard.valid_until = math.inf
    if guard.ask & ASK_SILENT != 0 and guard.phase == ACTIVE and guard.valid_until > now:
        hold(state)
        guard.valid_until = now
