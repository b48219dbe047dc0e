"""The black box: the last minute of every tick, in memory that outlives the process (control.md §3.11).

Three more rings beside the ticks: changes of phase and mode, commands, and snapshots of the controller's records, once
a second and whenever someone changed a record from outside. From any snapshot on, the ticks can be run again bit by bit
(``controllers.black_box.replay``). The kernels only write; ``recorder.Recorder`` makes the file, and copies it out.
"""

from __future__ import annotations

import numpy as np

from controllers.guard.record import Guarded
from controllers.numeric.atomics import fence
from controllers.numeric.jit import kernel
from robot_rl.core.records import Array

ROWS, EVENTS, COMMANDS, SNAPSHOTS = range(4)
"""Places in ``Box.counts``."""
SNAPSHOT_TICKS = 1000
"""Ticks between two snapshots."""
EVENT_FIELDS = ("phase_from", "phase_to", "mode_from", "mode_to", "reason")
EVENT = np.dtype([("tick", "i8"), ("now", "f8"), *((name, "i8") for name in EVENT_FIELDS)])
"""A change of the phase, or of the energy mode within one."""
EXACT = ("q", "dq", "tau_external", "tau_in", "tau_measured", "tau")
"""Vectors (n,) that a row keeps in full: what the tick was given, ``tau_in`` the torque applied until then, and what it
answered."""
SCALARS = ("T", "V", "work", "alpha", "beta", "gamma_active", "scale", "kinetic", "barrier", "peak_force", "soften")
VECTORS = {"ee_pose": 7, "reference": 7, "goal": 7, "ee_twist": 6, "wrench": 6, "stiffness": 6}


def row_dtype(n: int) -> np.dtype:
    """One tick of an arm with ``n`` joints: inputs and torque in full, what explains them in single precision."""
    exact = [("now", "f8"), *((name, "f8", (n,)) for name in EXACT)]
    whole = [("tick", "i8"), ("ask", "i8"), *((name, "i4") for name in ("phase", "reason", "mode", "rejected"))]
    rest = [(name, "f4") for name in (*SCALARS, "clearance")] + [(name, "f4", (k,)) for name, k in VECTORS.items()]
    return np.dtype([*exact, *whole, *rest], align=True)


NOTE = np.dtype([("tick", "i8"), ("epoch", "i8"), ("code", "i8"), ("now", "f8")])
"""A command came before tick ``tick`` + 1, under the lease ``epoch``; the answer was ``code``."""
MOMENT = np.dtype([("tick", "i8"), ("touched", "i8")])


@kernel
def note_event(guard: np.void, phase: int, mode: int, reason: int) -> None:
    """Remember a change of phase or mode until the tick is written down."""
    guard.events += 1
    if guard.waiting < guard.waiting_events.shape[0]:
        row = guard.waiting_events[guard.waiting]
        row[0], row[1], row[2], row[3], row[4] = guard.phase, phase, guard.last_mode, mode, reason
        guard.waiting += 1
    guard.last_mode = mode


@kernel
def _write_events(g: Guarded, now: float) -> None:
    guard, events, counts = g.guard[0], g.box.events, g.box.counts
    for i in range(guard.waiting):
        row, waiting = events[counts[EVENTS] % events.shape[0]], guard.waiting_events[i]
        row.tick, row.now = guard.tick, now
        row.phase_from, row.phase_to, row.mode_from = waiting[0], waiting[1], waiting[2]
        row.mode_to, row.reason = waiting[3], waiting[4]
        fence()
        counts[EVENTS] += 1
    guard.waiting = 0


@kernel
def note_command(g: Guarded, command: np.void, epoch: int, code: int, now: float) -> None:
    """Write down a command that comes before the next tick."""
    rows, counts = g.box.commands, g.box.counts
    if rows.shape[0] == 0:
        return
    i = counts[COMMANDS] % rows.shape[0]
    rows[i] = command
    note = g.box.notes[i]
    note.tick, note.epoch, note.code, note.now = g.guard[0].tick, epoch, code, now
    fence()
    counts[COMMANDS] += 1


@kernel
def note_snapshot(g: Guarded) -> None:
    """Before a tick: copy the records, if it is time or if someone changed one from outside."""
    guard, box = g.guard[0], g.box
    if box.rows.shape[0] == 0 or (guard.touched == 0 and guard.tick % SNAPSHOT_TICKS != 0):
        return
    i = box.counts[SNAPSHOTS] % box.moments.shape[0]
    box.moments[i].tick, box.moments[i].touched = guard.tick, guard.touched
    guard.touched = 0
    box.configs[i] = g.config[0]
    box.states[i] = g.state[0]
    box.guards[i] = guard
    fence()
    box.counts[SNAPSHOTS] += 1


@kernel
def note_row(g: Guarded, q: Array, dq: Array, tau_external: Array, now: float) -> None:
    """After a tick: write down what came in, what went out, and why; a change of mode is an event."""
    guard, state, rows, counts = g.guard[0], g.state[0], g.box.rows, g.box.counts
    if state.mode != guard.last_mode:
        note_event(guard, guard.phase, state.mode, 0)
    guard.last_now = now
    if rows.shape[0] == 0:
        guard.waiting = 0
        return
    if guard.waiting > 0:
        _write_events(g, now)
    row = rows[counts[ROWS] % rows.shape[0]]
    row.now, row.tick, row.ask = now, guard.tick, guard.ask
    row.q[:] = q
    row.dq[:] = dq
    row.tau_external[:] = tau_external
    row.tau_in[:] = guard.tau_in
    row.tau_measured[:] = state.tau_measured
    row.tau[:] = state.tau
    _explain(guard, state, row)
    fence()
    counts[ROWS] += 1


@kernel
def _explain(guard: np.void, state: np.void, row: np.void) -> None:
    row.phase, row.reason, row.mode, row.rejected = guard.phase, guard.reason, state.mode, state.rejected
    row.T, row.V, row.work, row.barrier = state.T, state.V, state.work, state.barrier
    row.alpha, row.beta, row.gamma_active, row.scale = state.alpha, state.beta, state.gamma_active, state.scale
    row.kinetic, row.peak_force, row.soften = state.kinetic, state.peak_force, state.soften
    row.clearance = guard.clearance
    row.ee_pose[:] = state.ee_pose
    row.reference[:] = state.reference
    row.goal[:] = state.goal
    row.ee_twist[:] = state.ee_twist
    row.wrench[:] = state.wrench
    for i in range(6):
        row.stiffness[i] = state.stiffness[i]
