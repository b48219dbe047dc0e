"""The whole real-time loop as compiled code: clock, shared memory, controller, plant. No Python, no GIL, no allocation.

``run`` goes round until it is parked, whatever the interpreter of its process does meanwhile. ``cycle`` is one round,
for arms whose driver is Python and sets the pace itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controllers.guard.arbitration import owned
from controllers.guard.guarded_tick import guarded_accept, guarded_tick
from controllers.guard.record import Guarded
from controllers.law.interpolation import ACCEPTED
from controllers.loop.plant import PlantPort
from controllers.loop.wire import decode, epoch_of, write_snapshot
from controllers.loop.words import HOLD, LINE, SILENT, Word, read_word, write_word
from controllers.numeric.atomics import atomic_exchange, atomic_load, take_slot, write_locked
from controllers.numeric.histogram import Counts, count, moments, percentile
from controllers.numeric.jit import kernel
from controllers.numeric.native import call_two, clock_now, sleep_until
from robot_rl.core.records import Array

IDLE = 100_000
"""How long a lockstep loop sleeps before it looks again [ns]."""
KNOWN = 31
"""All bits of ``lifecycle.Ask``."""
PRIME = 1099511628211
"""Of the FNV-1a hash, 64 bits."""


def loop_dtype() -> np.dtype:
    """What the loop knows of itself; times in ns."""
    names = "total ticks period deadline spin catch_up missed hold_after silent asked holding rejected code "
    names += "accepted publish_every next_publish percentiles_every next_percentiles resets seed halted fifo lockstep "
    names += "digest lateness_max gettime nanosleep"
    return np.dtype([(name, "i8") for name in names.split()])


class Rig(NamedTuple):
    """Everything that one loop works on."""

    arm: np.void
    config: np.void
    state: np.void
    """Records of the controller."""
    guard: Guarded
    """The same records, and what guards them."""
    loop: np.void
    """``loop_dtype``."""
    raw: np.void
    command: np.void
    """The command as it came (``snapshot.COMMAND``), and as the controller takes it."""
    flat_command: Array
    """The memory of ``raw``."""
    core: np.void
    flat: Array
    """The snapshot's record without the objects, and its memory with them."""
    port: PlantPort
    words: int
    """Address of the shared words."""
    shared: Array
    slots: Array
    """Shared memory of the snapshot and of the commands."""
    lateness: Counts
    compute: Counts


@kernel
def _wait(rig: Rig) -> int:
    """Sleep to the next deadline; the number of ticks that are due."""
    loop = rig.loop
    now = clock_now(loop.gettime)
    while now < loop.deadline:
        if now < loop.deadline - loop.spin:
            sleep_until(loop.nanosleep, loop.deadline - loop.spin)
        now = clock_now(loop.gettime)
    late = now - loop.deadline
    count(rig.lateness, late)
    loop.lateness_max = max(loop.lateness_max, late)
    due = 1 + late // loop.period
    loop.deadline += due * loop.period
    loop.missed += max(0, due - loop.catch_up)
    return min(due, loop.catch_up)


@kernel
def _granted(rig: Rig) -> int:
    """In lockstep: the number of ticks that were asked for and not run yet, or 0 after a short sleep."""
    loop = rig.loop
    due = read_word(rig.words, Word.ADVANCE_TO) - loop.total
    if due <= 0:
        sleep_until(loop.nanosleep, clock_now(loop.gettime) + IDLE)
    return min(max(due, 0), loop.catch_up)


@kernel
def _grant(rig: Rig, asked: int) -> None:
    """What was asked for, as bits: the guard grants it in the next tick."""
    loop = rig.loop
    rig.guard.guard[0].ask |= asked & KNOWN
    if asked & ~loop.asked != 0:
        loop.holding = 1
    loop.asked = asked & SILENT


@kernel
def _requests(rig: Rig, now: int) -> None:
    """What others ask for, a halt, and the silence of the bridge, from before which no command survives."""
    loop = rig.loop
    loop.halted = read_word(rig.words, Word.HALTED)
    age = now - read_word(rig.words, Word.BRIDGE_BEAT)
    silent = loop.halted != 0 or (loop.lockstep == 0 and age > loop.hold_after)
    _grant(rig, atomic_exchange(rig.words + LINE * Word.ASKED, 0) | (SILENT if silent else 0))
    loop.silent = 1 if silent else 0
    if silent:
        _take(rig)


@kernel
def _take(rig: Rig) -> bool:
    base = rig.words
    return take_slot(base + LINE * Word.MIDDLE, base + LINE * Word.READER, rig.slots, rig.flat_command)


@kernel
def _command(rig: Rig, now: int) -> None:
    """Take over a command, its times moved into the plant's clock; what cannot be obeyed makes the arm hold."""
    loop, state = rig.loop, rig.state
    plant_now = loop.ticks * rig.config.period
    shift = 0.0 if loop.lockstep != 0 else plant_now - now * 1e-9
    loop.code = -1
    if decode(rig.raw, rig.command, shift):
        loop.code = guarded_accept(rig.guard, rig.command, epoch_of(rig.raw), plant_now)
    else:
        _grant(rig, HOLD)
    if loop.code != ACCEPTED:
        loop.rejected += 1
        return
    loop.accepted += 1
    state.peak_force = 0.0
    opening = min(max(state.gripper, 0.0), rig.port.gripper[1])
    for i in range(rig.port.fingers.shape[0]):
        rig.port.fingers[i] = 0.5 * opening


@kernel
def _digest(loop: np.void, words: NDArray[np.int64]) -> None:
    """Mix the bits of the torque into ``digest``: equal torques in every tick, and only those, give an equal one."""
    for i in range(words.shape[0]):
        loop.digest = (loop.digest ^ words[i]) * PRIME


@kernel
def _tick(rig: Rig) -> None:
    """One control period: measure, control, apply; the plant moves on."""
    loop, port, state = rig.loop, rig.port, rig.state
    guarded_tick(rig.guard, port.q, port.dq, port.tau_external, loop.ticks * rig.config.period)
    for i in range(port.q.shape[0]):
        port.applied[i] = state.tau[i]
    _digest(loop, state.tau.view(np.int64))
    if loop.holding != 0:
        loop.holding = 0
        write_word(rig.words, Word.HELD_AT, clock_now(loop.gettime))
    loop.ticks += 1
    loop.total += 1
    if port.step != 0:
        call_two(port.step, port.model, port.data)


@kernel
def publish(rig: Rig, now: int) -> None:
    """Share the state of the last tick, and now and then how late the loop is."""
    loop = rig.loop
    write_snapshot(rig.core, rig.state, rig.port, rig.flat)
    core = rig.core
    core.stamp = now * 1e-9
    core.rejected, core.accepted, core.ticks = float(loop.rejected), float(loop.accepted), float(loop.total)
    core.resets, core.seed, core.missed = float(loop.resets), float(loop.seed), float(loop.missed)
    core.halted, core.connected, core.fifo = float(loop.halted), float(1 - loop.silent), float(loop.fifo)
    core.digest = float(loop.digest & ((1 << 53) - 1))
    guard = rig.guard.guard[0]
    core.phase, core.reason, core.ignored = float(guard.phase), float(guard.reason), float(guard.ignored)
    core.owner, core.epoch = float(guard.owner if owned(guard, guard.before) else 0), float(guard.epoch)
    if now >= loop.next_percentiles:
        loop.next_percentiles = now + loop.percentiles_every
        core.lateness_p50, core.lateness_p99 = percentile(rig.lateness, 0.5), percentile(rig.lateness, 0.99)
        core.compute_p50, core.compute_p99 = percentile(rig.compute, 0.5), percentile(rig.compute, 0.99)
        core.compute_mean, core.compute_std = moments(rig.compute)
        core.lateness_max = loop.lateness_max * 1e-9
    write_locked(rig.words + LINE * Word.SEQLOCK, rig.flat, rig.shared)


@kernel
def cycle(rig: Rig, due: int) -> None:
    """One round: requests, a command, the ``due`` ticks, the shared state."""
    loop = rig.loop
    started = clock_now(loop.gettime)
    _requests(rig, started)
    if loop.silent == 0 and _take(rig):
        _command(rig, started)
    for _ in range(due):
        _tick(rig)
    now = clock_now(loop.gettime)
    if due > 0:
        count(rig.compute, now - started)
    if now >= loop.next_publish or (loop.lockstep != 0 and due > 0):
        loop.next_publish = now + loop.publish_every
        publish(rig, now)
    write_word(rig.words, Word.TOTAL, loop.total)
    write_word(rig.words, Word.ARM_BEAT, now)


@kernel
def run(rig: Rig, park: int) -> None:
    """Go round until the word at address ``park`` is not 0."""
    loop = rig.loop
    loop.deadline = clock_now(loop.gettime) + loop.period
    while atomic_load(park) == 0:
        cycle(rig, _granted(rig) if loop.lockstep != 0 else _wait(rig))
    write_word(rig.words, Word.ARM_BEAT, 0)
