"""Invariants between two runs, or between a proposal and what became of it: I6, I10 to I13 (control.md §2.8).

What one log cannot show, a second one can. Energies are computed here by the formula of the design, in plain NumPy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

import mujoco
import numpy as np

from controllers.law.passivity import scale_reference
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.records import Array
from sim.adversaries.battery import Arena, Case, blank_log, schedule, table_of
from sim.adversaries.campaign import Arenas, Tally
from sim.adversaries.plants import BATTERY, Trouble
from sim.adversaries.policies import MATRICES
from sim.adversaries.world import Log
from sim.stepper import advance

INFINITE = {"T0": 1e300, "T_max": np.inf, "P_max": 1e12, "kinetic_max": 1e300}
ECHOES = (1, 2, 3)
PROPOSALS = 8
CALM, STILL, GAIN = 4000, 1e-4, 1e-3
"""Ticks that the arm gets to come to rest; the kinetic energy that counts as rest, what contacts may give [J]."""
STRIDE = 5
"""Every so many cases of the schedule is one of these; prime to the number of adversaries."""
EXACT = 1e-9


def huber(x: float, k: float, c: float) -> float:
    """Energy [J] of a spring of stiffness ``k`` that saturates at ``c``."""
    return 0.5 * k * x * x if abs(x) <= c else k * c * abs(x) - 0.5 * k * c * c


def spring_energy(arena: Arena, error: Array) -> float:
    """Energy [J] of the task springs at ``error`` (6,): Huber per axis, about the rotation vector when isotropic."""
    state, config = arena.controller.state, arena.controller.config
    k, clip, cap = state["stiffness"], config["clip"], config["wrench_max"]
    linear = sum(huber(error[i], k[i], min(clip[0], cap[0] / max(k[i], 1e-12))) for i in range(3))
    turn = huber(float(np.linalg.norm(error[3:])), k[3], min(clip[1], cap[1] / max(k[3], 1e-12)))
    return float(state["soften"]) * (linear + turn)


def _proposals(arena: Arena, case: Case) -> int:
    """I6, I11: what costs nothing passes whole, what is scaled costs no more than allowed and passes when repeated."""
    state, config, rng = arena.controller.state, arena.controller.config, np.random.default_rng(case.seed)
    k = state["stiffness"]
    if case.kind == MATRICES or state["axes"][6, 0] != 0.0 or np.ptp(k[:3]) + np.ptp(k[3:]) > 0.0:
        return 0
    start, pose, wrong = state["reference"].copy(), state["ee_pose"].copy(), 0
    before = spring_energy(arena, pose_error(pose, start))
    for allowed in 10.0 ** rng.uniform(-4.0, -1.0, PROPOSALS):
        step = rng.uniform(-0.02, 0.02, 6)
        true_cost = spring_energy(arena, pose_error(pose, pose_add(start, step))) - before
        for turn in range(2):
            state["reference"], state["error"], state["step"] = start, pose_error(pose, start), step
            state["proposal"] = pose_add(start, step)
            cost = scale_reference(config, state, float(allowed), before)
            alpha, step = float(state["alpha"]), state["step"].copy()
            spent = spring_energy(arena, pose_error(pose, state["reference"].copy())) - before
            wrong += spent > allowed + EXACT or abs(spent - cost) > EXACT or (turn == 1 and alpha < 1.0 - EXACT)
            wrong += turn == 0 and true_cost <= 0.0 and alpha != 1.0
    return wrong


def _comes_to_rest(arena: Arena, start: int) -> int:
    """I13: left alone the arm comes to rest, and tank and springs gain no more than the motion had."""
    control, plant, data = arena.controller, arena.world.plant, arena.data
    mujoco.mj_forward(arena.model, data)
    before = float(control.state["T"] + control.state["V"] + data.energy[1])
    advance(control.model, control.config, control.state, plant, start, CALM)
    mujoco.mj_forward(arena.model, data)
    return int(data.energy[1] > STILL) + int(control.state["T"] + control.state["V"] > before + GAIN)


def _left_alone(trouble: Trouble) -> bool:
    """Whether nothing but the controller acts on the arm: no wall, no hand, no weight; and its states are young."""
    return trouble.wall + trouble.shake + trouble.tilt + trouble.payload + trouble.delay == 0.0


def _same(a: Log, b: Log) -> bool:
    return np.array_equal(a.q, b.q) and np.array_equal(a.tau, b.tau)


class Relations:
    """Plays cases a second time, changed in a way that must not matter. ``checked`` counts runs by invariant."""

    def __init__(self, length: int) -> None:
        self._first, self._second = blank_log(length), blank_log(length)
        self.checked: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.ticks = 0

    def _note(self, name: str, wrong: int) -> None:
        self.checked[name] += 1
        self.broken[name] += wrong

    def _play(self, arena: Arena, case: Case, log: Log) -> Log:
        played = arena.play(case, table_of(case), log)
        self.ticks += len(played.tau)
        return played

    def check(self, arena: Arena, case: Case, number: int) -> None:
        """The relations that belong to ``case``; which echo of its commands, ``number`` decides."""
        first = self._play(arena, case, self._first)
        self._note("I6 I11 proposals", _proposals(arena, case))
        self._note("I11 equal cases", int(not _same(first, self._play(arena, case, self._second))))
        echoed = replace(case, echo=ECHOES[number % len(ECHOES)])
        self._note("I12 echoes", int(not _same(first, self._play(arena, echoed, self._second))))
        if _left_alone(arena.trouble):
            self._play(arena, case, self._second)
            self._note("I13 rest", _comes_to_rest(arena, len(first.tau)))
            self.ticks += CALM
        if case.trouble.burst == 0.0:  # blind for many ticks the arm brakes, with the filter or without
            self._without_budget(case)

    def _without_budget(self, case: Case) -> None:
        """I10: with an infinite budget the filter changes no bit."""
        logs = []
        for on, log in ((True, self._first), (False, self._second)):
            config = replace(case.config, **INFINITE, filter_enabled=on)
            logs.append(self._play(Arena(case.trouble, config), replace(case, config=config), log))
        self._note("I10 infinite budget", int(not _same(*logs)))


def relate(tally: Tally, controllers: Mapping[str, ControllerConfig], count: int, length: int) -> Relations:
    """Check ``count`` cases, spread over adversaries, plants and controllers; what is broken is added to ``tally``."""
    relations, arenas = Relations(length), Arenas()
    cases = schedule(10**9, controllers, length, BATTERY)
    for number, case in enumerate(islice(cases, 0, STRIDE * count, STRIDE)):
        before = relations.broken.copy()
        relations.check(arenas.of(case), case, number)
        for name, wrong in (relations.broken - before).items():
            tally.broken[name] += wrong
            tally.examples.append((case.label, name))
    return relations
