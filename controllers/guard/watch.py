"""What makes an arm leave a phase: broken measurements, time, energy, missing commands, requests (control.md §3.6)."""

from __future__ import annotations

import math

import numpy as np

from controllers.black_box.ring import note_event
from controllers.guard.estop import release
from controllers.guard.watchdog import BACKWARDS, DAMP, IDLE, PAUSED, clock_state, command_stage
from controllers.law.interpolation import hold
from controllers.numeric.jit import kernel

_, INACTIVE, SOFT_START, ACTIVE, DAMPING, HOMING, FAULT, RECOVERY, STOPPED = range(9)
"""``lifecycle.Phase`` as the kernels know it."""
_, ASKED, STALE, IDLE_LONG, SILENT, MEASUREMENT, CLOCK, LATE, POSITION, SPEED, ENERGY, WORKSPACE, COLLISION = range(13)
CONTACT, TIMEOUT, NOT_HOME, STOP_PRESSED, DONE, COMMANDS, ROBOT_STOP = range(13, 20)
"""``lifecycle.Reason`` as the kernels know it."""
ASK_HOLD, ASK_STOP, ASK_DAMP, ASK_DEACTIVATE, ASK_SILENT, ASK_STOPPED = 1, 2, 4, 8, 16, 32
"""``lifecycle.Ask`` as the kernels know it."""
KERNEL_FAULT = 4
STUCK = 20
"""Ticks after which a motion that never changes is one that nobody measures."""
MOVING = 1e-6
"""Joint speed that somebody measures [rad/s]; a simulated one fades far below, until its bits no longer change."""
BLIND = 50
"""Ticks of sound measurements before they are damped by again."""
JUMP = 3.0
"""How much further than at its speed limit a joint may come between two ticks: noise, and late packets."""


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
def _garbled(guard: np.void) -> bool:
    """Whether the measured ``wanted`` (q) or ``row`` (dq) is not finite. An external torque ``felt`` that is not is
    taken for none: without it the arm can still be brought to rest."""
    total, felt = 0.0, 0.0
    for i in range(guard.wanted.shape[0]):
        total += guard.wanted[i] * 0.0 + guard.row[i] * 0.0
        felt += guard.felt[i] * 0.0
    guard.deaf = 0 if felt == 0.0 else guard.deaf + 1
    if guard.deaf > 0:
        guard.felt[:] = 0.0
        guard.garbled += 1
    return total != 0.0


@kernel
def _stuck(guard: np.void, state: np.void) -> bool:
    """Whether the arm has reported the same motion, bit by bit, for so long that nobody can be measuring it."""
    same, moving = True, False
    for i in range(guard.wanted.shape[0]):
        same = same and guard.wanted[i] == state.q[i] and guard.row[i] == state.dq[i]
        moving = moving or abs(guard.row[i]) > MOVING
    guard.same = guard.same + 1 if same and moving else 0
    return guard.same > STUCK


@kernel
def _unbelievable(arm: np.void, guard: np.void, state: np.void) -> bool:
    """Whether the measurement cannot be true: the arm cannot have come there so fast, or does not change at all."""
    jumped = False
    for i in range(guard.wanted.shape[0]):
        reach = JUMP * guard.speed_slack * arm.dq_max[i] * guard.elapsed
        jumped = jumped or abs(guard.wanted[i] - state.q[i]) > reach
    return _stuck(guard, state) or jumped


@kernel
def _broken(arm: np.void, guard: np.void, state: np.void) -> int:
    """A fault that the measurement shows, or 0. One bad packet passes: the tick keeps its torque over it.

    After one that cannot be true, nothing is damped by what is measured (``blind``) until it is sound again.
    """
    guard.blind = max(0, guard.blind - 1)
    if _garbled(guard):
        guard.bad, guard.garbled = guard.bad + 1, guard.garbled + 1
        return MEASUREMENT if guard.bad > 1 else 0
    guard.bad = 0
    if _unbelievable(arm, guard, state):
        guard.blind = BLIND
        return MEASUREMENT
    for i in range(guard.wanted.shape[0]):
        if abs(guard.row[i]) > guard.speed_slack * arm.dq_max[i]:
            return SPEED
        if not guard.position_slack >= max(guard.wanted[i] - arm.q_max[i], arm.q_min[i] - guard.wanted[i]):
            return POSITION
    return MEASUREMENT if guard.deaf > 1 else 0


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
    guard.elapsed = min(max(now - guard.before, 0.0), 1.0)
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
def watch_arm(arm: np.void, guard: np.void, state: np.void, now: float) -> None:
    """The measurement is sound, and so is the ledger."""
    broken = _broken(arm, guard, state)
    if guard.phase == FAULT or guard.phase == STOPPED:
        return
    sum_is_a_number = state.T + state.V == state.T + state.V
    if broken == 0 and powered(guard) and (state.mode == KERNEL_FAULT or not sum_is_a_number):
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
    elif guard.ask & ASK_STOPPED != 0 and guard.phase != FAULT and guard.phase != STOPPED:
        enter(guard, state, FAULT, ROBOT_STOP, now)
    elif guard.ask & ASK_DEACTIVATE != 0 and (powered(guard) or guard.phase == DAMPING):
        enter(guard, state, INACTIVE, ASKED, now)
    elif guard.ask & ASK_DAMP != 0 and powered(guard):
        enter(guard, state, DAMPING, ASKED, now)
    elif guard.ask & ASK_HOLD != 0 and guard.phase == ACTIVE:
        hold(state)
        guard.valid_until = math.inf
    _grant_silence(guard, state, now)


@kernel
def _grant_silence(guard: np.void, state: np.void, now: float) -> None:
    """Whoever passes commands, and stops, on is silent: the stages count from now; nothing moves by itself for long."""
    if guard.ask & ASK_SILENT == 0:
        guard.silent_since = math.inf
        return
    guard.silent_since = min(guard.silent_since, now)
    if guard.phase == ACTIVE and guard.valid_until > now:
        hold(state)
        guard.valid_until = now
    elif (guard.phase == HOMING or guard.phase == SOFT_START) and now - guard.silent_since > guard.damp_after:
        overdue = guard.silent_since
        enter(guard, state, DAMPING, SILENT, now)
        guard.valid_until = overdue
