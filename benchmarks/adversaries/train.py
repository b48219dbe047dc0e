"""Trains A18, the learned adversary, and keeps its weights in sim/adversaries/trained.npy.

    python benchmarks/adversaries/train.py --ticks 1200000

Evolution strategy with mirrored samples; the reward is the energy drained: the most work done on the arm and the
emptiest tank, relative to the budget, with the filter on. Run it again when the filter has changed much.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from robot_rl.core.records import Array
from sim.adversaries import observer
from sim.adversaries.battery import CONTROLLERS, TRAINED_FILE, Arena, Case, blank_log
from sim.adversaries.learned import ACTION, ROWS
from sim.adversaries.plants import BATTERY
from sim.adversaries.policies import TRAINED

EPISODE = 1500
PAIRS = 6
SPREAD, STEP = 0.15, 0.25


def reward(arena: Arena, table: Array, seed: int) -> float:
    """Share of the budget that the network got out in one episode."""
    case = Case(kind=TRAINED, trouble=arena.trouble, config=arena.config, seed=seed, ticks=EPISODE)
    log = arena.play(case, table, blank_log(EPISODE))
    work = observer.work_of(log)
    return float((work.max() + 0.2 * (arena.config.T0 - observer.column(log, "tank").min())) / arena.config.T0)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=1_200_000)
    options = parser.parse_args()
    rng = np.random.default_rng(18)
    arenas = [Arena(BATTERY[i], CONTROLLERS[name]) for i, name in ((0, "bold"), (1, "bold"), (1, "bold, poor"))]
    weights, best = 0.3 * rng.normal(size=(ROWS, ACTION)), (-np.inf, np.zeros((ROWS, ACTION)))
    for generation in range(options.ticks // (2 * PAIRS * EPISODE)):
        arena, seed = arenas[generation % len(arenas)], generation
        noise = rng.normal(size=(PAIRS, ROWS, ACTION))
        gains = np.array([[reward(arena, weights + s * SPREAD * e, seed) for s in (1.0, -1.0)] for e in noise])
        order = np.argsort(np.argsort(gains.ravel())).reshape(gains.shape) / (gains.size - 1.0) - 0.5
        weights = weights + STEP * np.tensordot(order[:, 0] - order[:, 1], noise, 1) / PAIRS
        score = float(gains.mean())
        if generation % 3 == 0 and score > best[0]:
            best = (score, weights.copy())
        if generation % 10 == 0:
            sys.stderr.write(f"generation {generation}: {score:.3f} of the budget\n")
    np.save(TRAINED_FILE, best[1].astype(np.float32))


if __name__ == "__main__":
    main()
