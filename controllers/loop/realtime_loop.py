"""The thread that runs the compiled loop, and what it leaves to Python: resets and log lines."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from controllers.guard.supervisor import Measurement, Supervisor, why_not
from controllers.law.state import command_dtype
from controllers.loop.cycle import Rig, loop_dtype, publish, run
from controllers.loop.exchange import Exchange
from controllers.loop.plant import PortPlant
from controllers.loop.realtime import Grants, refusals, request_realtime
from controllers.loop.snapshot import COMMAND, snapshot_dtype
from controllers.numeric.atomics import store_word
from controllers.numeric.histogram import new_counts, percentile
from controllers.numeric.native import clock_functions
from robot_rl.core.errors import ConnectionLostError, RobotRLError
from robot_rl.core.records import Array

LOG = logging.getLogger("arm")
NO_USE = "its number or source is of no use: correct its sender"
LOUD = 20
"""Rejected commands that are named; the others are only counted."""
DIGEST = 1469598103934665603
"""Where the hash of the torques starts."""
START = 60.0
"""How long the loop may take to begin [s]."""
PATIENCE = 10.0
"""How long the loop may take to park [s]."""


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """How the loop runs."""

    hold_after: float = 0.1
    """Without a sign of life from the bridge for this long the arm holds [s]."""
    priority: int = 0
    """Of SCHED_FIFO; 0: none."""
    cpu: int | None = None
    """Processor of the loop; None: any."""
    publish_every: float = 0.004
    """Period of the shared state [s]."""
    percentiles_every: float = 0.5
    """Period at which the loop's percentiles are worked out [s]."""
    catch_up: int = 20
    """Ticks that a loop that was held up makes up at most; what is beyond is dropped and counted."""
    spin: float = 0.0
    """The loop wakes this much early and waits busily [s]."""
    lockstep: bool = False
    """Ticks run when they are asked for, not when they are due; times of commands are the plant's own."""


def supervisor_of(plant: PortPlant) -> Supervisor:
    """The plant's own supervisor, or one without collision check and black box for a plant that has none."""
    found = getattr(plant, "supervisor", None)
    if isinstance(found, Supervisor):
        return found
    made = Supervisor(plant.controller)
    made.configure()
    made.reset(plant.port().q, plant.port().dq)
    return made


def make_rig(plant: PortPlant, supervisor: Supervisor, exchange: Exchange, settings: LoopSettings) -> Rig:
    """Everything that the compiled loop works on."""
    control, port = plant.controller, plant.port()
    core = snapshot_dtype(len(port.q), ())
    flat, raw = np.zeros(len(exchange.shared)), np.zeros(COMMAND.itemsize // 8)
    return Rig(
        arm=control.model,
        config=control.config,
        state=control.state,
        guard=supervisor.rig,
        loop=_loop_record(plant.period, settings),
        raw=raw.view(COMMAND)[0],
        command=np.zeros((), command_dtype())[()],
        flat_command=raw,
        core=flat[: core.itemsize // 8].view(core)[0],
        flat=flat,
        port=port,
        words=exchange.words,
        shared=exchange.shared,
        slots=exchange.slots,
        lateness=new_counts(),
        compute=new_counts(),
    )


def _loop_record(period: float, settings: LoopSettings) -> np.void:
    loop = np.zeros((), loop_dtype())[()]
    for name in ("hold_after", "publish_every", "percentiles_every", "spin"):
        loop[name] = round(getattr(settings, name) * 1e9)
    loop["period"], loop["catch_up"], loop["lockstep"] = round(period * 1e9), settings.catch_up, settings.lockstep
    loop["digest"] = DIGEST
    loop["gettime"], loop["nanosleep"] = clock_functions()
    return loop


@dataclass
class _Signals:
    """Between the loop's thread and the one that serves it."""

    park: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    parked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    closing: bool = False


class RealtimeLoop:
    """Runs ``plant`` in a thread that never asks for the interpreter between ``start`` and ``close``.

    A reset parks it; everything else that happens to the arm happens in compiled code (``cycle``).
    """

    def __init__(self, plant: PortPlant, exchange: Exchange, settings: LoopSettings) -> None:
        self.plant, self.exchange, self.settings = plant, exchange, settings
        self.supervisor = supervisor_of(plant)
        self.rig = make_rig(plant, self.supervisor, exchange, settings)
        self.grants: Grants | None = None
        self._signals = _Signals()
        self._thread = threading.Thread(target=self._work, name="arm loop", daemon=True)
        self._rejected = 0

    def compile(self) -> None:
        """Make sure that everything is machine code; nothing moves."""
        park = self._signals.park
        park[0] = 1
        run(self.rig, park.ctypes.data)
        park[0] = 0
        publish(self.rig, time.monotonic_ns())

    def start(self) -> None:
        """Compile, then begin; returns when the loop turns. To lock the memory of a process may take seconds."""
        self.compile()
        self._thread.start()
        end = time.monotonic() + START
        while self.exchange.arm_beat == 0:
            if time.monotonic() > end:
                raise ConnectionLostError(f"the arm's loop has not begun within {START:g} s: use a less busy machine")
            time.sleep(0.002)

    def _work(self) -> None:
        signals = self._signals
        self.grants = request_realtime(self.settings.priority, self.settings.cpu)
        self.rig.loop["fifo"] = self.grants.fifo
        for remedy in self.grants.remedies:
            LOG.warning("%s", remedy)
        while True:
            self._turn()
            signals.parked.set()
            signals.go.wait()
            signals.go.clear()
            if signals.closing:
                return

    def _turn(self) -> None:
        """Go round until parked."""
        run(self.rig, self._signals.park.ctypes.data)

    def park(self) -> None:
        """Let the loop finish its round and stand still; the arm gets no more ticks."""
        store_word(self._signals.park.ctypes.data, 1)
        if not self._signals.parked.wait(PATIENCE):
            raise ConnectionLostError(f"the arm's loop has not answered for {PATIENCE:g} s: restart the graph")
        self.plant.ticks = int(self.rig.loop["ticks"])

    def resume(self) -> None:
        """Go on after ``park``, with new deadlines."""
        self._signals.parked.clear()
        store_word(self._signals.park.ctypes.data, 0)
        self._signals.go.set()

    def close(self) -> None:
        """End the loop. The last torque was the last tick's: ask the plant to stop if it needs to be told."""
        if self._thread.is_alive():
            self.park()
            self._signals.closing = True
            self._signals.go.set()
            self._thread.join(PATIENCE)

    @property
    def trouble(self) -> str:
        """Why the robot behind the loop is not controlled; empty while it is, as a simulation always is."""
        return ""

    def mend(self) -> None:
        """Clear the robot's own fault, if it has one; called while parked, at a person's request."""

    def measured(self) -> Measurement:
        """What the arm reported last."""
        port, now = self.rig.port, float(self.rig.loop["ticks"]) * self.plant.period
        return Measurement(q=port.q.copy(), dq=port.dq.copy(), tau_external=port.tau_external.copy(), now=now)

    def soft(self) -> list[str]:
        """Why no robot may start on this loop, as the system lets it run; none: it keeps time."""
        grants, p99 = self.grants, float(percentile(self.rig.lateness, 0.99))
        return list(refusals(fifo=bool(grants and grants.fifo), locked=bool(grants and grants.locked), p99=p99))

    def go_home(self, goal: Array | None = None) -> None:
        """Find a way home, or to ``goal`` (n,) [rad], while the loop goes on, then let the arm follow it."""
        way = self.supervisor.plan(self.measured(), goal)
        self.park()
        try:
            self.supervisor.follow(way, self.measured())
        finally:
            self.resume()

    def serve(self) -> None:
        """What Python does for the loop, now and then: resets that were asked for, and a line for what was refused."""
        seed = self.exchange.take_reset()
        if seed is not None and not self.exchange.halted:
            self.park()
            try:
                self._reset(seed)
            except RobotRLError as error:
                self.exchange.refuse_reset()
                LOG.warning("no reset: %s", error)
            self.resume()
        self._log_rejected()

    def _reset(self, seed: int) -> None:
        self.supervisor.check_reset()
        self.plant.reset(seed)
        self.supervisor.begin()
        loop = self.rig.loop
        loop["ticks"] = 0
        loop["resets"] += 1
        loop["seed"] = seed
        publish(self.rig, time.monotonic_ns())
        self.exchange.confirm_reset()

    def _log_rejected(self) -> None:
        count = int(self.rig.loop["rejected"])
        if self._rejected < count and self._rejected < LOUD:
            code = int(self.rig.loop["code"])
            why = why_not(code) or NO_USE
            LOG.warning("a command was refused, %s (%d in all)", why, count)
        self._rejected = count
