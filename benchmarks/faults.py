"""Twenty-one faults in three situations: all are noticed, none makes the arm leave ACTIVE silently (control.md §4.4).

Run: ``python benchmarks/faults.py [--quick]``. Every cell is a run of its own on the guarded twin: ACTIVE and following
commands, holding, or on its way home. Judged from what an observer sees: the black box's rows and events, the counters,
and the joints' positions; the energy is worked out anew from them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fault_cases import FAULTS, Case
from peers import result

from controllers.arms.panda_shape import panda_shape, table
from controllers.black_box.recorder import Recorder
from controllers.guard.lifecycle import NEXT, Phase, Reason
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command
from sim.guarded_twin import GuardedTwin

SITUATIONS = ("following", "holding", "homing")
CONTROLLER = replace(preset("rl_explore"), force_soft=30.0, force_hard=60.0)
LEAD, RUN = 400, 1500
"""Ticks before the fault, and from it on."""
AWAY = np.array([0.3, 0.1, 0.0, 0.2, 0.0, 0.1, 0.0])
"""Where the way home leads in the matrix, beyond home [rad]."""
REST = 0.5
"""Time within which an arm that left its powered phases is at rest [s]."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What happened in one cell."""

    fault: str
    situation: str
    left: str
    """The phase that ACTIVE or HOMING was left for, and why; empty: it was not left."""
    noticed: bool
    """A reason, or a counter of the controller or of its guard, tells of the fault."""
    silent: bool
    """The phase or its table was changed without an event and a reason."""
    moving: bool
    """Still moving half a second after powered motion ended."""
    over_budget: bool
    """The work that an observer adds up exceeded what the tank and the springs held."""
    delay: float
    """From the fault to the change of phase [s]; nan when there was none."""


class Cell(GuardedTwin):
    """One run: a sender of commands, a fault, an observer."""

    def __init__(self, box: Recorder, situation: str, case: Case) -> None:
        super().__init__("reach", CONTROLLER, shape=panda_shape([table()]), box=box.box)
        self.situation, self.case, self.seq = situation, case, 0
        self.work, self.most, self.speeds = 0.0, 0.0, np.zeros(LEAD + RUN)

    def order(self, k: int) -> None:
        """Send the command that is due at tick ``k`` of the fault, as the fault leaves it."""
        self.seq, now = self.seq + 1, self.now()
        pose = self.controller.state["goal"].copy()
        if self.situation == "following":
            pose[:3] += 0.006 * np.array([0.0, np.sin(self.seq / 3), np.cos(self.seq / 3)])
        made = Command(stamp=now, seq=self.seq, valid_until=now + 0.1, duration=0.1, pose=pose, gripper=0.04)
        for command in self.case.command(made, k):
            with contextlib.suppress(CommandRejectedError):
                self.send(command)

    def run(self) -> None:
        """Lead in, then the fault."""
        self.reset(0)
        for k in range(-LEAD, RUN):
            if k == -LEAD + 100 and self.situation == "homing":
                self.supervisor.home(self.measured(), self.arm.home + AWAY)
            if k % 100 == 0:
                self.order(k)
            self.case.ask(self, k)
            before = self.data.qpos[:7].copy()
            self.advance_through(1, lambda measured, k=k: self.case.measure(self, measured, k))
            self._observe(k, before)

    def _observe(self, k: int, before: np.ndarray) -> None:
        """The work of the applied torque from the true positions; a refill of the tank starts a new sum."""
        self.work += float(self.data.qfrc_applied[:7] @ (self.data.qpos[:7] - before))
        self.most = max(self.most, self.work)
        self.speeds[k + LEAD] = np.abs(self.data.qvel[:7]).max()


def judge(cell: Cell, recorder: Recorder, counters: Counter[str]) -> Verdict:
    """Look at what the black box holds of a run."""
    rows, events = recorder.box.rows[: recorder.box.counts[0]], recorder.box.events[: recorder.box.counts[1]]
    changes = [e for e in events if e["phase_from"] != e["phase_to"] and e["tick"] > 1]
    after = [e for e in changes if e["tick"] > LEAD and e["reason"] not in (Reason.DONE, Reason.COMMANDS)]
    told = {(int(e["phase_from"]), int(e["phase_to"])) for e in changes}
    steps = {(int(a), int(b)) for a, b in zip(rows["phase"][:-1], rows["phase"][1:], strict=True) if a != b}
    allowed = all(Phase(b) in NEXT[Phase(a)] for a, b in told if a != Phase.UNCONFIGURED)
    silent = any(step not in told for step in _joined(steps, told)) or not allowed
    silent = silent or any(e["reason"] == Reason.NONE for e in changes)
    left = f"{Phase(int(after[0]['phase_to'])).name}/{Reason(int(after[0]['reason'])).name}" if after else ""
    refills = sum(e["phase_to"] in (Phase.SOFT_START, Phase.HOMING) for e in changes)
    return Verdict(
        fault=cell.case.name,
        situation=cell.situation,
        left=left,
        noticed=bool(after) or bool(tell(cell) - counters) or cell.situation in cell.case.irrelevant,
        silent=silent,
        moving=bool(after) and not cell.case.coasts and _moving(cell, int(after[0]["tick"])),
        over_budget=cell.most > float(cell.controller.config["T0"]) * (1 + refills),
        delay=1e-3 * (float(after[0]["tick"]) - LEAD) if after else np.nan,
    )


def _joined(steps: set[tuple[int, int]], told: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Changes between rows that no chain of at most two told ones explains."""
    return {(a, b) for a, b in steps if not any((a, m) in told and (m, b) in told for m in Phase)}


def tell(cell: Cell) -> Counter[str]:
    """The counters that can tell of a fault."""
    state, guard = cell.controller.state, cell.supervisor.guard
    found = Counter({name: int(state[name]) for name in ("rejected",)})
    found.update({name: int(guard[name]) for name in ("ignored", "late", "garbled", "lost", "contacts")})
    return found


def _moving(cell: Cell, tick: int) -> bool:
    """Whether the arm, its power gone at ``tick``, still moved after the time in which it must rest."""
    return bool(np.any(cell.speeds[tick + round(REST / 1e-3) :] > 0.02))


def run_cell(case: Case, situation: str, counters: Counter[str]) -> Verdict:
    """One fault in one situation, beside the ``counters`` of a sound run."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "box", 7, LEAD + RUN + 10)
        cell = Cell(recorder, situation, case)
        cell.run()
        return judge(cell, recorder, counters)


def sound_counters(situation: str) -> Counter[str]:
    """What the counters say when nothing is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        cell = Cell(Recorder(Path(folder) / "box", 7, 10), situation, Case(name="none"))
        cell.run()
        return tell(cell)


def main() -> None:
    """Run the matrix and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every fault in one situation only")
    quick = parser.parse_args().quick
    started, verdicts = time.monotonic(), []
    sound = {situation: sound_counters(situation) for situation in SITUATIONS}
    for i, case in enumerate(FAULTS):
        for situation in SITUATIONS[i % 3 : i % 3 + 1] if quick else SITUATIONS:
            verdicts.append(run_cell(case, situation, sound[situation]))
            v = verdicts[-1]
            marks = " ".join(n for n in ("silent", "moving", "over_budget") if getattr(v, n))
            unseen = "" if v.noticed else "NOT NOTICED"
            print(f"{v.fault:22s} {v.situation:10s} {v.left:24s} {unseen} {marks}", flush=True)
    result("faults", figures(verdicts) | {"seconds": round(time.monotonic() - started, 1)}, {})


def figures(verdicts: list[Verdict]) -> dict[str, Any]:
    """The matrix in numbers."""
    delays = [v.delay for v in verdicts if np.isfinite(v.delay)]
    return {
        "cells": len(verdicts),
        "faults": len({v.fault for v in verdicts}),
        "silent": sum(v.silent for v in verdicts),
        "unnoticed": sum(not v.noticed for v in verdicts),
        "still_moving": sum(v.moving for v in verdicts),
        "over_budget": sum(v.over_budget for v in verdicts),
        "left": sum(bool(v.left) for v in verdicts),
        "median_delay_ms": round(1e3 * float(np.median(delays)), 2) if delays else None,
    }


if __name__ == "__main__":
    main()
