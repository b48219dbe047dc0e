"""Fine-tuning of a policy that hardly ever fails: insertion from states, cloned from 140 good demonstrations.

A residual has little to gain there and much to lose. Its actor moves by the signs of the critics' slopes, whether these
say something or nothing; so without a price on the residual it first leaves the base, fails, and finds back. For each
seed: the base, then ``resfit`` on it with the price that it comes with, and, as the peer, with none. ``success`` is of
100 greedy episodes that nobody learns from, ``halfway`` the same earlier, ``explored`` is of the episodes learnt from
since the actor moves, ``worst`` is the least success of all seeds, at either time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from learners.turns import Turns
from peers import result

from robot_rl.actor.rollout import EpisodeResult, TeleoperatorPolicy, run_episode
from robot_rl.core.protocols import Policy
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.offline import Recordings, demonstrations, statistics, train
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import bc, resfit
from robot_rl.nets.cpu import prepare
from robot_rl.tasks.registry import make_expert

TASK, NOISE = "peg_insert", 0.12
ONLINE_SEED, TEST_SEED = 50_000, 1000


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything."""

    seeds: int = 3
    demos: int = 140
    """Good ones."""
    updates: int = 3000
    """Of the cloning."""
    tests: int = 100
    warmup: int = 1500
    """Steps before the first update, and updates before the actor moves."""
    steps: int = 3000
    """Of the moving actor."""


def cloned(root: Path, env: RobotEnv, sizes: Sizes, seed: int) -> tuple[Policy, Recordings]:
    """A good base, and what it was cloned from."""
    expert, good, i = TeleoperatorPolicy(env, make_expert(TASK, NOISE)), 0, 0
    with EpisodeWriter(root, env.spec, {"task": TASK}) as writer:
        while good < sizes.demos:
            good += run_episode(env, expert, seed * 100_000 + i, sink=writer).success
            i += 1
    recordings = Recordings((open_dataset(root),))
    config = bc.Config(exec_horizon=1, updates=sizes.updates, seed=seed)
    learner = bc.make(config, env.spec, statistics=statistics(recordings, env.spec))
    train(learner, demonstrations(recordings, learner), sizes.updates, lambda *_: None)
    return learner.policy, recordings


def tested(env: RobotEnv, policy: Policy, sizes: Sizes) -> float:
    """Greedy success."""
    return float(np.mean([run_episode(env, policy, TEST_SEED + i).success for i in range(sizes.tests)]))


def tuned(env: RobotEnv, base: Policy, recordings: Recordings, config: resfit.Config, sizes: Sizes) -> dict[str, float]:
    """What becomes of the base."""
    learner = resfit.make(config, env.spec, base=base, statistics=statistics(recordings, env.spec))
    turns = Turns(env, learner, demonstrations(recordings, learner), 10_000, config.seed)
    won: list[bool] = []

    def note(episode: EpisodeResult) -> bool:
        if turns.updates > config.critic_warmup:
            won.append(episode.success)
        return False

    figures, started = {}, time.process_time()
    moves = 2 * sizes.warmup
    for name, share in (("halfway", 0.5), ("success", 1.0)):
        seed = config.seed * 100_000 + ONLINE_SEED + turns.steps
        turns.until(moves + int(share * sizes.steps), seed, note)
        figures[name] = tested(env, learner.policy, sizes)
    spent = time.process_time() - started
    return {**figures, "explored": float(np.mean(won)), "residual": moved(learner, turns), "cpu_s": spent}


def moved(learner: resfit.ResfitLearner, turns: Turns) -> float:
    """Mean residual where it has been, as a share of its limit."""
    obs = to_torch(turns.online.sample(256)).obs
    residual = learner.actor.residual(learner.actor.features(obs)).detach().abs()
    return float(residual.mean()) / learner.config.residual_scale


def together(runs: list[Mapping[str, float]]) -> dict[str, Any]:
    """Means, and the worst greedy success of all seeds."""
    means = {name: round(float(np.mean([run[name] for run in runs])), 4) for name in runs[0]}
    return means | {"worst": min(min(run["halfway"], run["success"]) for run in runs)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of everything, which shows nothing")
    parser.add_argument("--seeds", type=int, default=Sizes.seeds)
    given = parser.parse_args()
    sizes = Sizes(seeds=given.seeds)
    if given.quick:
        sizes = Sizes(seeds=1, demos=2, updates=10, tests=1, warmup=40, steps=60)
    prepare(1)
    env = make_twin_env(TASK)
    bases: list[Mapping[str, float]] = []
    found: dict[str, list[Mapping[str, float]]] = {"priced": [], "free": []}
    for seed in range(sizes.seeds):
        with TemporaryDirectory() as folder:
            base, recordings = cloned(Path(folder) / "demos", env, sizes, seed)
            bases.append({"base_success": tested(env, base, sizes)})
            config = resfit.Config(seed=seed, learning_starts=sizes.warmup, critic_warmup=sizes.warmup)
            for name, one in (("priced", config), ("free", replace(config, residual_penalty=0.0))):
                found[name].append(tuned(env, base, recordings, one, sizes))
                print(f"seed {seed}, {name}: base {bases[-1]['base_success']:g}, then {found[name][-1]}", flush=True)
    figures = {"base_success": float(np.mean([run["base_success"] for run in bases]))}
    figures["base_worst"] = min(run["base_success"] for run in bases)
    result("claims/good_base", figures | together(found["priced"]), {"no price": together(found["free"])})


if __name__ == "__main__":
    main()
