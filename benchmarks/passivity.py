"""Does any adversary get more work out of the controller than the energy it started with? (control.md §2.8, §2.9)

Adversaries A1 to A20 and a benign motion, on 18 plants with what can be wrong with them, against twelve controllers
that know what the line may lose or delay; ``--ticks`` in all, 10 million by default. An observer that shares nothing
with the filter recomputes the work from joint positions and torques and counts ticks at which one of the invariants I1
to I15 does not hold; every tick counts. The robot stops by itself when a joint is faster than its limit. A17 is a
search through the twin (cross-entropy) that starts anew for the controller it meets. Invariants between two runs (I10
to I13) are checked on pairs. Then a part of the same with the filter off, on robots that stop by themselves and on
robots that do not: the adversaries must break the budget there, or they prove nothing. Last, losses that nobody
provided for.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from peers import result

from sim.adversaries.battery import CONTROLLERS, unfiltered
from sim.adversaries.campaign import Arenas, Tally, search, sweep, sweep_untold
from sim.adversaries.policies import NAMES
from sim.adversaries.relations import Relations, relate

OFF_SHARE = 0.02
"""How much of the ticks is played again without the filter."""


def _worst(tally: Tally) -> dict[str, Any]:
    return {name: round(value, 4) for name, value in tally.worst.items()}


def _pairs(relations: Relations) -> dict[str, Any]:
    return {"ticks": relations.ticks, "checked": dict(relations.checked)}


def off_figures(ticks: int, length: int, *, stops: bool) -> dict[str, Any]:
    """The same battery without the filter."""
    weak = {name: unfiltered(config) for name, config in CONTROLLERS.items()}
    tally = sweep(ticks, weak, length, Arenas(stops=stops))
    over = Counter(NAMES[kind].split()[0] for kind in tally.over_budget)
    return {
        "ticks": tally.ticks,
        "ticks_over_budget": tally.broken["I2 passivity"],
        "episodes_over_budget": len(tally.over_budget),
        "episodes": tally.episodes,
        "worst_ratio": round(tally.worst["ratio"], 2),
        "force_max_N": round(tally.worst["force_max"], 1),
        "robot_stopped_by_itself": tally.stops,
        "adversaries_over_budget": sorted(over),
    }


def untold_figures(ticks: int) -> dict[str, Any]:
    """What losses and delays do that the controller was not told of (its ``loss_ticks`` 0)."""
    tally = sweep_untold(ticks, CONTROLLERS)
    broken = {name: count for name, count in tally.broken.items() if count}
    return {"ticks": tally.ticks, "by_invariant": broken, "worst_ratio": round(tally.worst["ratio"], 3)}


def main() -> None:
    """Play, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="200 000 ticks")
    options = parser.parse_args()
    ticks = 200_000 if options.quick else options.ticks
    length = 620 if ticks < 1_000_000 else 3000
    start = time.process_time()
    tally = sweep(ticks, CONTROLLERS, length, progress=True)
    search(tally, rounds=1 if ticks < 1_000_000 else 8)
    pairs = relate(tally, CONTROLLERS, max(8, ticks // 100_000), 620)
    cpu = time.process_time() - start
    for label, name in tally.examples[:20]:
        print(f"violation: {name}: {label}")
    figures = {
        "ticks": tally.ticks,
        "episodes": tally.episodes,
        "violations": sum(tally.broken.values()),
        "by_invariant": {name: count for name, count in tally.broken.items() if count},
        "robot_stopped_by_itself": {"episodes": tally.stops, "ticks_after_it": tally.stopped_ticks},
        "pairs": _pairs(pairs),
        "worst": _worst(tally),
        "upper_bound_per_tick_95": 3.0 / tally.ticks,
        "us_per_tick": round(1e6 * cpu / tally.ticks, 2),
        "cpu_s": round(cpu, 1),
    }
    few = max(60_000, int(ticks * OFF_SHARE))
    weak = {
        "filter off, weak caps": off_figures(few, 1500, stops=True),
        "filter off, no stop of the robot's": off_figures(few, 1500, stops=False),
        "losses not provided for": untold_figures(3 * few),
    }
    result("passivity", figures, weak)


if __name__ == "__main__":
    main()
