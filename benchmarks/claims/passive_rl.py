"""The claim of passivity-centric RL (Zhang et al. 2025, arXiv 2503.00287), tried on our maze over several seeds.

Two policies learn the same task from the same clumsy demonstrations by the same method, without the filter: one knows
nothing of energy (an infinite limit), one is held to a limit on what it drains from the tank. Both are then deployed
without the filter and with it. Claimed: (1) the first violates the budget without the filter; (2) with it, none ever
does; (3) with it, the second succeeds as often, and needs less energy and less intervention. The method is
SAC-Lagrangian; PPO-Lagrangian, warm-started by imitation, is tried in the same way.

All figures are means over greedy episodes on mazes that no training saw, and over the seeds of the training:

- ``success``: share of the episodes that reach the goal. As often: at most one of the 40 episodes (0.025) fewer. Less
  energy and less intervention count for the claim only in a seed where the aware policy succeeds as often as that and
  the agnostic one succeeds at all, for standing still needs neither.
- ``overdrawn``: share of the episodes in which the tank is below zero at some tick: what was done on the arm and lent
  to the springs is then more than T0. This is the violation meant. ``violations`` counts the ticks at which the work
  alone is more than T0 + V0, which is what the proof forbids, and ``worst_ratio`` is the largest of work / (T0 + V0).
- ``drained_j``: energy, the sum over the control steps of what the tank lost on balance in the step (cost c1). What is
  given back later is not taken off. ``lent_j``: how far the tank fell below T0 at its emptiest.
- ``intervention``: the sum over the control steps of (1 - alpha) + (1 - beta) + (1 - gamma), each a mean over the
  step's ticks (cost c2): what the filter withheld of the motion, of the stiffness and of the active terms that were
  asked for. ``intervened_steps``: share of the steps at which it is above 0.01.
- ``undone``: share of the motion asked for that the reference did not make. No measure of the filter: leash and
  workspace withhold motion without it too.

The paper's maze and figures are not public in numbers; plan, budget and limits are ours, so directions are compared,
not figures. Everything was tuned on seeds 0, 100 and 101, which are not reported. In an earlier run the aware SAC of
seed 2 learnt to stand still; so it did on seed 101, for the price of energy came before the task was learnt. Since then
the price waits for the task (``training.LEARNT``). Seeds 1 to 3 had been seen by then: those reported start at 4.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from deployment import deploy
from training import AGNOSTIC, LIMITS, STEPS, Training

from robot_rl.nets.cpu import prepare

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peers import result

KINDS = ("agnostic", "aware")
TUNED_ON = 0
"""Seed of the quick run, not reported."""
EPISODES = 40
"""Of every deployment."""
AS_OFTEN = 1 / EPISODES + 1e-9
"""How much less success still counts as the same."""


Pair = tuple[dict[str, float], dict[str, float]]
"""Figures of the agnostic and of the aware policy of one seed."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done."""

    steps: dict[str, int]
    """Environment steps of training, per method."""
    episodes: int
    """Episodes of every deployment."""


def trial(job: tuple[str, str, int], size: Size) -> dict[str, Any]:
    """Train one policy with one seed and deploy it twice."""
    prepare(1)
    method, kind, seed = job
    started = time.process_time()
    training = Training(method, AGNOSTIC if kind == "agnostic" else LIMITS[method], seed)
    policy = training.run(size.steps[method], 10_000 * (seed + 50))
    done = {"method": method, "kind": kind, "seed": seed, "cpu_s": time.process_time() - started}
    done |= {name: deploy(policy, name == "filtered", size.episodes) for name in ("unfiltered", "filtered")}
    print(json.dumps(done), flush=True)
    return done


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds of one policy, and what matters of every seed."""
    out: dict[str, Any] = {"train_cpu_s": round(float(np.mean([t["cpu_s"] for t in trials])), 1)}
    for deployment in ("unfiltered", "filtered"):
        for name in trials[0][deployment]:
            values = [float(t[deployment][name]) for t in trials]
            out[f"{deployment}_{name}"] = round(max(values) if name == "worst_ratio" else float(np.mean(values)), 3)
    for deployment, name in (("unfiltered", "overdrawn"), ("filtered", "success")):
        out[f"{deployment}_{name}_by_seed"] = [round(float(t[deployment][name]), 3) for t in trials]
    for name in ("drained_j", "intervention"):
        out[f"filtered_{name}_by_seed"] = [round(float(t["filtered"][name]), 3) for t in trials]
    return out


def verdict(agnostic: list[dict[str, Any]], aware: list[dict[str, Any]]) -> dict[str, str]:
    """For every part of the claim, in how many of the seeds it holds."""
    pairs = [(a["filtered"], b["filtered"]) for a, b in zip(agnostic, aware, strict=True)]
    every = [t["filtered"] for t in (*agnostic, *aware)]
    same = [b["success"] >= a["success"] - AS_OFTEN and a["success"] > 0 for a, b in pairs]
    parts = {
        "agnostic_overdraws_unfiltered": [t["unfiltered"]["overdrawn"] > 0 for t in agnostic],
        "filtered_never_violates": [t["overdrawn"] == t["violations"] == 0 for t in every],
        "aware_succeeds_as_often": same,
        "aware_needs_less_energy": less(pairs, same, "drained_j"),
        "aware_needs_less_intervention": less(pairs, same, "intervention"),
    }
    return {name: f"{sum(held)} of {len(held)}" for name, held in parts.items()}


def less(pairs: list[Pair], same: list[bool], name: str) -> list[bool]:
    """For every seed, whether the aware policy needs less at the same success."""
    return [held and b[name] < a[name] for held, (a, b) in zip(same, pairs, strict=True)]


def report(trials: list[dict[str, Any]], methods: list[str]) -> None:
    """The verdict and the figures of both kinds of every method."""
    figures: dict[str, Any] = {}
    peers: dict[str, Any] = {}
    for method in methods:
        agnostic, aware = ([t for t in trials if (t["method"], t["kind"]) == (method, kind)] for kind in KINDS)
        figures[method] = {"seeds": [t["seed"] for t in aware], "holds": verdict(agnostic, aware), **summary(aware)}
        peers[method] = summary(agnostic)
    promise = {"filtered_overdrawn": 0, "filtered_violations": 0, "filtered_worst_ratio": 1.0}
    result("claims/passive_rl", figures, {"energy_agnostic": peers}, promise)


def main() -> None:
    """Train, deploy and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, a few hundred steps: shows that it runs")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=4, help="1 to 3 were seen before the last change")
    parser.add_argument("--methods", nargs="+", choices=sorted(LIMITS), default=sorted(LIMITS, reverse=True))
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    flags = parser.parse_args()
    size, seeds = Size(steps=STEPS, episodes=EPISODES), range(flags.first_seed, flags.first_seed + flags.seeds)
    if flags.quick:
        size, seeds = Size(steps=dict.fromkeys(STEPS, 250), episodes=2), [TUNED_ON]
    jobs = [(method, kind, seed) for method in flags.methods for seed in seeds for kind in KINDS]
    with ProcessPoolExecutor(flags.jobs) as pool:
        trials = list(pool.map(partial(trial, size=size), jobs))
    report(trials, flags.methods)


if __name__ == "__main__":
    main()
