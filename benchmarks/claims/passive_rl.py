"""The claim of passivity-centric RL (Zhang et al. 2025, arXiv 2503.00287), tried on our maze over several seeds.

Two policies learn the same task from the same clumsy demonstrations by the same method, SAC-Lagrangian, without the
filter: one knows nothing of energy (an infinite limit), one pays for what it drains from the tank. Both are then
deployed without the filter and with it. Claimed: the first violates the budget without the filter; with it, none does;
the second succeeds as often, and needs less energy and less intervention. The budget is violated, ``overdrawn``, when
the tank is below zero: work done on the arm and energy lent to the springs are then more than T0 + V0 together.
``violations`` counts ticks at which the work alone is. The paper's maze and figures are not public in numbers; plan,
budget and limits are ours, so directions are compared, not figures.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from controllers.parameters.presets import preset
from controllers.parameters.settings import ControllerConfig
from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Array, Observation, StepRecord
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import sac_lagrangian
from robot_rl.nets.cpu import prepare
from robot_rl.nets.normaliser import measure
from robot_rl.tasks.registry import make_expert

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peers import result

BUDGET = 0.8
"""Energy in the tank at the start [J]: a gentle passage keeps below it, a quick one does not."""
LIMITS = {"energy_agnostic": float("inf"), "passivity_aware": 0.4}
"""The method's ``limit`` per policy [J]."""
DEMOS, NOISE = 10, 0.3
TEST_SEEDS = 900_000
METHOD = sac_lagrangian.Config(
    hidden=(128, 128),
    n_step=3,
    polyak=0.01,
    lr_actor=1e-3,
    lr_critic=1e-3,
    gains=(0.1, 0.0005, 0.0),
    price_max=1.0,
    utd=1,
    learning_starts=200,
    batch_size=128,
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done."""

    seeds: int
    steps: int
    """Environment steps of training."""
    episodes: int
    """Episodes of every deployment."""


class Ledger:
    """Notes what every step leaves in the tank."""

    def __init__(self) -> None:
        self.episodes: list[Array] = []

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None:  # noqa: ARG002
        """Start an episode with a full tank."""
        self.rows = [(BUDGET, 0.0, 0.0, 0.0)]

    def add(self, step: StepRecord) -> None:
        """Tank and work after the step, how far the reference was asked to go, and how much of that was not done."""
        asked, missing = np.linalg.norm(step.proposal[:2]), np.linalg.norm((step.proposal - step.action)[:2])
        self.rows.append((step.energy.tank, step.energy.work, float(asked), float(missing)))

    def end(self, final_obs: Observation | None) -> None:  # noqa: ARG002
        """Keep the episode."""
        self.episodes.append(np.array(self.rows))


def controller(filtered: bool) -> ControllerConfig:
    """Preset ``rl_explore`` with a small tank."""
    small = replace(preset("rl_explore"), T0=BUDGET, T_max=2 * BUDGET, P_max=9.9 * BUDGET, T_res=0.06)
    return replace(small, filter_enabled=filtered)


class Training:
    """Actor and learner in lockstep on one unfiltered twin."""

    def __init__(self, limit: float, seed: int) -> None:
        self.env = make_twin_env("maze", controller=controller(filtered=False))
        demos = Replay(self.env.spec, 5000, seed=seed)
        clumsy = TeleoperatorPolicy(self.env, make_expert("maze", NOISE))
        for i in range(DEMOS):
            run_episode(self.env, clumsy, 10_000 * seed + i, sink=demos)
        vectors = demos.sample(4000).obs
        statistics = measure({name: vectors[name] for name in self.env.spec.vectors})
        config = replace(METHOD, limit=limit, seed=seed)
        self.learner = sac_lagrangian.make(config, self.env.spec, statistics=statistics)
        self.online = Replay(self.env.spec, 50_000, seed=seed + 1)
        self.mixture = Mixture(self.online, demos, METHOD.demo_ratio)
        self.steps = 0

    def update(self) -> None:
        """Before every control step."""
        sampling = self.learner.sampling
        self.steps += 1
        if self.steps > sampling.learning_starts:
            batch = self.mixture.sample(sampling.batch_size, sampling.n_step, sampling.gamma)
            self.learner.update(to_torch(batch))

    def run(self, steps: int, first_seed: int) -> Policy:
        """Learn for at least ``steps`` environment steps."""
        seed, policy = first_seed, self.learner.policy
        while self.steps < steps:
            run_episode(self.env, policy, seed, explore=True, sink=self.online, before_step=self.update)
            seed += 1
        return policy


def deploy(policy: Policy, filtered: bool, episodes: int) -> dict[str, float]:
    """Figures of a policy, acting greedily on the same episodes for all."""
    env, ledger = make_twin_env("maze", controller=controller(filtered)), Ledger()
    done = [run_episode(env, policy, TEST_SEEDS + i, sink=ledger) for i in range(episodes)]
    motion = np.concatenate(ledger.episodes).sum(0)
    return {
        "success": np.mean([r.success for r in done]),
        "steps": np.mean([r.steps for r in done]),
        "overdrawn": np.mean([rows[:, 0].min() < 0.0 for rows in ledger.episodes]),
        "lent_j": BUDGET - np.mean([rows[:, 0].min() for rows in ledger.episodes]),
        "violations": sum(r.violations for r in done),
        "worst_ratio": max(r.worst_ratio for r in done),
        "drained_j": np.mean([np.maximum(-np.diff(rows[:, 0]), 0.0).sum() for rows in ledger.episodes]),
        "work_j": np.mean([rows[:, 1].max() for rows in ledger.episodes]),
        "intervention": motion[3] / motion[2],
        "peak_force_n": np.mean([r.peak_force for r in done]),
    }


def trial(job: tuple[str, int], size: Size) -> dict[str, Any]:
    """Train one policy with one seed and deploy it twice."""
    prepare(1)
    name, seed = job
    started = time.process_time()
    policy = Training(LIMITS[name], seed).run(size.steps, 10_000 * (seed + 50))
    trained = time.process_time() - started
    figures = {k: deploy(policy, k == "filtered", size.episodes) for k in ("unfiltered", "filtered")}
    print(name, seed, {k: {n: round(float(x), 3) for n, x in v.items()} for k, v in figures.items()}, flush=True)
    return {"policy": name, "seed": seed, "cpu_s": trained, **figures}


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds of one policy, and what matters of every seed."""
    out: dict[str, Any] = {"train_cpu_s": round(float(np.mean([t["cpu_s"] for t in trials])), 1)}
    for deployment in ("unfiltered", "filtered"):
        for name in trials[0][deployment]:
            values = [float(t[deployment][name]) for t in trials]
            out[f"{deployment}_{name}"] = round(max(values) if name == "worst_ratio" else float(np.mean(values)), 3)
    for deployment, name in (("unfiltered", "overdrawn"), ("filtered", "success"), ("filtered", "drained_j")):
        out[f"{deployment}_{name}_by_seed"] = [round(float(t[deployment][name]), 3) for t in trials]
    return out


def main() -> None:
    """Train, deploy and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, a few hundred steps: shows that it runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8000, help="environment steps of training")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    flags = parser.parse_args()
    size = Size(seeds=flags.seeds, steps=flags.steps, episodes=20)
    if flags.quick:
        size = Size(seeds=1, steps=250, episodes=2)
    jobs = [(name, seed) for seed in range(size.seeds) for name in LIMITS]
    with ProcessPoolExecutor(flags.jobs) as pool:
        trials = list(pool.map(partial(trial, size=size), jobs))
    figures = {name: summary([t for t in trials if t["policy"] == name]) for name in LIMITS}
    promise = {"filtered_overdrawn": 0, "filtered_violations": 0, "filtered_worst_ratio": 1.0}
    result("claims/passive_rl", figures["passivity_aware"], {"energy_agnostic": figures["energy_agnostic"]}, promise)


if __name__ == "__main__":
    main()
