"""A learner's process that may be killed at any time: FOLDER ADDRESS STEPS CHECKPOINT_EVERY WIDTH. Reports its updates.

Its demonstrations and its networks follow from seeds. What it learns from comes over the wire.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Observation, Source, StepRecord
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.learner import registry
from robot_rl.learner.runner import LearnerRunner, Progress, RunnerConfig
from robot_rl.nets.cpu import prepare
from robot_rl.transport.server import ExperienceServer

SPEC = Spec(observation={STATE: Feature((18,))}, action_dim=3, rate=10.0)
STARTS, UTD, LENGTH = 60, 2.0, 20
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.2
)


def episodes(seed: int, count: int) -> Iterator[tuple[list[StepRecord], Observation | None]]:
    """Random episodes: steps, and the last observation or None where something broke off; some steps are a person's."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        rows = rng.normal(size=(LENGTH + 1, 18)).astype(np.float32)
        person = rng.integers(LENGTH)
        steps = []
        for i in range(LENGTH):
            action = rng.uniform(-1, 1, 3).astype(np.float32)
            success = number % 3 == 0 and i == LENGTH - 1
            step = StepRecord(
                obs={STATE: rows[i]},
                action=action,
                proposal=action,
                reward=float(success),
                success=success,
                terminated=success,
                truncated=False,
                source=Source.HUMAN if person <= i < person + 4 else Source.POLICY,
                stamp=0.1 * i,
                energy=ENERGY,
                peak_force=0.0,
            )
            steps.append(step)
        yield steps, None if number % 5 == 4 and not steps[-1].success else {STATE: rows[-1]}


def tell(progress: Progress) -> None:
    """One line with the number of updates."""
    os.write(1, b"%d\n" % progress.updates)


def main() -> None:
    """Learn until killed or done."""
    prepare(1)
    folder, address = Path(sys.argv[1]), sys.argv[2]
    steps, checkpoint_every, width = (int(v) for v in sys.argv[3:6])
    method = registry.load("rlpd")
    config = method.Config(hidden=(width, width), batch_size=64, utd=UTD, learning_starts=STARTS)
    learner = method.make(config, SPEC, base=None, statistics=None)
    demos = Replay(SPEC, 1000, seed=5)
    for shown, final in episodes(1, 10):
        demos.begin({})
        for step in shown:
            demos.add(step)
        demos.end(final)
    run = RunnerConfig(
        folder=folder,
        max_env_steps=steps,
        checkpoint_every=checkpoint_every,
        metrics_every=0.05,
        capacity=steps // 2,
        farewell=0.2,
    )
    with ExperienceServer(address, folder / "log", learner.spec) as server:
        LearnerRunner(learner, demos, server, run).run(tell)


if __name__ == "__main__":
    main()
