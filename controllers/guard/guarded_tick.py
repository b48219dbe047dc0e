"""The tick with its guard: phases, watchdogs, stops, homing, collision and the black box around the control law.

All of it runs in nopython code without the GIL, so whatever drives an arm in real time calls ``guarded_tick`` where a
plain twin calls ``tick``. The control law is not touched: in every phase without springs the guard replaces the torque
by damping within the same limits, so the energy ledger stays exact and its barrier stays in force.
"""

from __future__ import annotations

import numpy as np

from controllers.black_box.ring import note_command, note_row, note_snapshot
from controllers.guard.arbitration import GRANTED, admit, blend, start_blend
from controllers.guard.clearance import TOUCHING, check
from controllers.guard.estop import apply_instead, damping_torque, mend_ledger, release
from controllers.guard.phases import go_home, ramp, recover
from controllers.guard.record import Guarded
from controllers.guard.safe_reset import way_torque
from controllers.guard.watch import (
    ACTIVE,
    COLLISION,
    COMMANDS,
    DAMPING,
    FAULT,
    HOMING,
    RECOVERY,
    SILENT,
    SOFT_START,
    STALE,
    enter,
    grant_asks,
    powered,
    watch_arm,
    watch_commands,
    watch_time,
    watch_tool,
)
from controllers.law.contact import SOFT
from controllers.law.interpolation import ACCEPTED, accept, accept_chunk
from controllers.law.tick import tick
from controllers.numeric.jit import kernel
from robot_rl.core.records import Array

NOT_ACTIVE = 18
"""``guarded_accept``'s answer while the arm follows no commands; beside those of ``admit`` and ``accept``."""


@kernel
def _before(arm: np.void, config: np.void, state: np.void, guard: np.void, now: float) -> None:
    """What the phase asks for before the control law; in most phases: no springs."""
    if guard.phase == SOFT_START:
        ramp(guard, state, now)
    elif guard.phase == ACTIVE:
        blend(guard, state, now, config.period)
    elif guard.phase == HOMING:
        go_home(arm, config, state, guard, now)
    elif guard.phase == RECOVERY:
        recover(arm, config, state, guard, now)
    if guard.phase != SOFT_START and guard.phase != ACTIVE:
        release(state)


@kernel
def _watch(arm: np.void, config: np.void, state: np.void, guard: np.void, now: float) -> None:
    """All reasons to leave a phase, worst first; the measurement lies in ``wanted``, ``row`` and ``felt``."""
    watch_time(guard, state, now)
    watch_arm(arm, guard, state, now)
    watch_tool(config, guard, state, now)
    grant_asks(guard, state, now)
    watch_commands(guard, state, now)


@kernel
def _after(arm: np.void, config: np.void, state: np.void, guard: np.void) -> None:
    """Replace the torque where the phase wants no springs."""
    if guard.phase == SOFT_START or guard.phase == ACTIVE:
        return
    if guard.phase == HOMING and guard.homing == 1:
        way_torque(arm, state, guard, guard.wanted)
    elif guard.blind > 0:
        guard.wanted[:] = 0.0
    else:
        damping_torque(state, guard.damping_rate, guard.wanted)
    apply_instead(arm, config, state, guard.tau_before, guard.wanted)


@kernel
def guarded_tick(g: Guarded, q: Array, dq: Array, tau_external: Array, now: float) -> None:
    """One tick with all its watchers: measurement in, ``g.state[0].tau`` (n,) out, one row in the black box.

    Args as in ``tick.tick``. ``g.guard[0].ask`` holds what others ask for (``lifecycle.Ask``); it is granted now.
    """
    arm, config, state, guard = g.arm[0], g.config[0], g.state[0], g.guard[0]
    note_snapshot(g)
    guard.tick += 1
    guard.wanted[:] = q
    guard.row[:] = dq
    guard.felt[:] = tau_external
    guard.tau_in[:] = state.tau
    _watch(arm, config, state, guard, now)
    if guard.bad == 0:
        _before(arm, config, state, guard, now)
    guard.tau_before[:] = state.tau
    if guard.phase == FAULT:
        mend_ledger(config, state)
    tick(arm, config, state, q, dq, guard.felt, now)
    guard.lost += state.missed
    guard.contacts += state.force_level >= SOFT
    if guard.bad == 0:
        if powered(guard) and guard.tick % guard.check_every == 0 and g.shape.capsules.shape[0] > 0:
            if check(g.shape, guard, state, g.ends) == TOUCHING:
                enter(guard, state, DAMPING, COLLISION, now)
        _after(arm, config, state, guard)
    note_row(g, q, dq, tau_external, now)
    guard.ask = 0


@kernel
def guarded_accept(g: Guarded, command: np.void, epoch: int, now: float) -> int:
    """Judge a command: may its source move the arm now, and is it sound? 0: it is the goal now.

    A command that is not its turn is counted and ignored. One that is not sound makes the arm hold, as ever.
    """
    guard = g.guard[0]
    guard.asked_epoch = epoch
    code = _judge(g.config[0], g.state[0], guard, command, 0, now)
    guard.last_code = code
    note_command(g, command, epoch, code, now)
    return code


@kernel
def guarded_chunk(g: Guarded, command: np.void, count: int, epoch: int, now: float) -> int:
    """Judge a chunk of ``count`` waypoints, which stand in ``waypoints_new`` of the state; ``command`` is its last."""
    guard = g.guard[0]
    guard.touched = 1
    guard.asked_epoch = epoch
    guard.last_code = _judge(g.config[0], g.state[0], guard, command, count, now)
    return guard.last_code


@kernel
def _judge(config: np.void, state: np.void, guard: np.void, command: np.void, count: int, now: float) -> int:
    """``count``: waypoints that the command ends, 0 for a command alone; ``asked_epoch`` of the guard is its lease."""
    resumable = guard.phase == DAMPING and (guard.reason == STALE or guard.reason == SILENT)
    code = NOT_ACTIVE
    if guard.phase == ACTIVE or resumable:
        code = admit(guard, command.source, guard.asked_epoch, now) if 0 <= command.source < 4 else GRANTED
    if code != GRANTED:
        guard.ignored += 1
        return code
    guard.goal_before[:] = state.goal
    if count > 0:
        code = accept_chunk(config, state, command, count, now)
    else:
        code = accept(config, state, command, now)
    if code == ACCEPTED:
        guard.valid_until = state.valid_until
    if code == ACCEPTED and count == 0:
        start_blend(guard, state, guard.goal_before, now)
    if code == ACCEPTED and resumable:
        enter(guard, state, ACTIVE, COMMANDS, now)
        guard.valid_until = state.valid_until
    return code
