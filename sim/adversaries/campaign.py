"""Campaigns of episodes: sweeps over the battery, and searches for the worst sequence (A17)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from controllers.parameters.presets import ControllerConfig
from robot_rl.core.records import Array
from sim.adversaries import observer
from sim.adversaries.battery import CONTROLLERS, Arena, Case, blank_log, schedule, table_of
from sim.adversaries.learned import ACTION, ROWS
from sim.adversaries.plants import BATTERY, Trouble
from sim.adversaries.policies import SEARCHED
from sim.adversaries.world import Log

SMALLEST = ("tank_min", "total_min")
"""Figures whose worst value is the smallest."""
POPULATION, ELITE = 12, 3
"""Of the cross-entropy search."""


@dataclass
class Tally:
    """What a campaign found."""

    ticks: int = 0
    episodes: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    """Invariant -> ticks at which it did not hold."""
    stops: int = 0
    """Episodes in which the robot stopped by itself, because a joint was faster than its limit."""
    stopped_ticks: int = 0
    """Ticks that were played after that; they count as all others do."""
    worst: dict[str, float] = field(default_factory=dict)
    examples: list[tuple[str, str]] = field(default_factory=list)
    """(case, invariant) of every episode with a violation."""
    over_budget: list[int] = field(default_factory=list)
    """Adversary of every episode in which more work was done than the budget."""

    def add(self, case: Case, log: Log, rules: observer.Rules) -> dict[str, float]:
        """Judge an episode; its figures."""
        verdict, figures = observer.judge(log, rules), observer.figures(log, rules)
        self.ticks += len(log.tau)
        self.episodes += 1
        self.stops += int(figures["stopped"])
        self.stopped_ticks += int(np.count_nonzero(observer.column(log, "stopped")))
        for name, count in verdict.items():
            self.broken[name] += count
            if count:
                self.examples.append((case.label, name))
        if verdict["I2 passivity"]:
            self.over_budget.append(case.kind)
        for name, value in figures.items():
            pick = min if name in SMALLEST else max
            self.worst[name] = pick(self.worst.get(name, value), value)
        return figures


class Arenas:
    """Arenas by plant and controller, made when first asked for."""

    def __init__(self, *, told: bool = True, stops: bool = True) -> None:
        self._told, self._stops = told, stops
        self._made: dict[tuple[Trouble, ControllerConfig], Arena] = {}

    def of(self, case: Case) -> Arena:
        """The arena of a case."""
        key = (case.trouble, case.config)
        if key not in self._made:
            self._made[key] = Arena(case.trouble, case.config, told=self._told, stops=self._stops)
        return self._made[key]


def sweep(
    ticks: int,
    controllers: Mapping[str, ControllerConfig],
    length: int = 3000,
    arenas: Arenas | None = None,
    *,
    progress: bool = False,
) -> Tally:
    """Play the battery for at least so many ticks, up to ``length`` per episode."""
    tally, log = Tally(), blank_log(length)
    arenas = arenas or Arenas()
    for case in schedule(10**12, controllers, length, BATTERY):
        arena = arenas.of(case)
        played = arena.play(case, table_of(case), log)
        tally.add(case, played, arena.rules_of(case))
        if progress and tally.episodes % 400 == 0:
            sys.stderr.write(f"{tally.ticks} ticks, {sum(tally.broken.values())} violations\n")
        if tally.ticks >= ticks:
            break
    return tally


def sweep_untold(ticks: int, controllers: Mapping[str, ControllerConfig], length: int = 3000) -> Tally:
    """The part of the battery that loses or delays packets, with controllers that do not provide for it."""
    plants = [trouble for trouble in BATTERY if trouble.burst + trouble.drop + trouble.delay > 0.0]
    tally, arenas, log = Tally(), Arenas(told=False), blank_log(length)
    for case in schedule(ticks, controllers, length, plants):
        arena = arenas.of(case)
        tally.add(case, arena.play(case, table_of(case), log), arena.rules_of(case))
    return tally


def searched(arena: Arena, case: Case, goal: Callable[[Log], float], tally: Tally, generations: int) -> Array:
    """The table (ROWS, ACTION) of actions for which ``goal`` of an episode is largest, as far as the search gets."""
    rng = np.random.default_rng(case.seed)
    mean, spread, log = np.zeros((ROWS, ACTION)), np.ones((ROWS, ACTION)), blank_log(case.ticks)
    for _ in range(generations):
        tables = np.clip(mean + spread * rng.normal(size=(POPULATION, ROWS, ACTION)), -1.0, 1.0)
        scores = []
        for table in tables:
            played = arena.play(case, table, log)
            tally.add(case, played, arena.rules_of(case))
            scores.append(goal(played))
        best = tables[np.argsort(scores)[-ELITE:]]
        mean, spread = best.mean(axis=0), 0.7 * spread + 0.3 * best.std(axis=0) + 0.02
    return mean


GOALS: dict[str, Callable[[Log], float]] = {
    "work": lambda log: float(observer.work_of(log).max()),
    "force": lambda log: float(observer.column(log, "force").max()),
    "energy": lambda log: float(observer.column(log, "true_kinetic").max()),
}
"""What A17 looks for."""


def search(tally: Tally, rounds: int) -> None:
    """A17: for work, force and kinetic energy in turn, on one plant and controller after the other."""
    arenas, configs = Arenas(), list(CONTROLLERS.values())
    for i in range(rounds):
        for number, goal in enumerate(GOALS.values()):
            trouble = BATTERY[(3 * i + number) % len(BATTERY)] if i else BATTERY[1]
            case = Case(kind=SEARCHED, trouble=trouble, config=configs[i % len(configs)], seed=i, ticks=1500)
            searched(arenas.of(case), case, goal, tally, generations=2 + i)
