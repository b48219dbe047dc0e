"""A learner's process that may be killed at any time: FOLDER ADDRESS STEPS CHECKPOINT_EVERY WIDTH [images].

It reports its updates. Its demonstrations and its networks follow from seeds; what it learns from comes over the wire.
With images it learns from two cameras, shifted at random, and what it has learnt from before is mapped when it goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Observation, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.learner import registry
from robot_rl.learner.runner import LearnerRunner, Progress, RunnerConfig
from robot_rl.nets.cpu import prepare
from robot_rl.nets.vision.config import Vision
from robot_rl.transport.server import ExperienceServer

SPEC = Spec(observation={STATE: Feature((18,))}, action_dim=3, rate=10.0)
CAMERAS = (IMAGES + "front", IMAGES + "wrist")
SEEING = Spec(
    observation={**SPEC.observation, **{name: Feature((40, 40, 3), "uint8") for name in CAMERAS}},
    action_dim=3,
    rate=10.0,
)
STARTS, UTD, LENGTH = 60, 2.0, 20
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.2
)


def observed(rng: np.random.Generator, spec: Spec) -> list[Observation]:
    """Random observations of one episode."""
    rows = rng.normal(size=(LENGTH + 1, 18)).astype(np.float32)
    frames = {
        name: rng.integers(0, 256, (LENGTH + 1, 40, 40, 3), np.uint8) for name in spec.observation if name != STATE
    }
    return [{STATE: rows[i], **{name: images[i] for name, images in frames.items()}} for i in range(LENGTH + 1)]


def episodes(seed: int, count: int, spec: Spec = SPEC) -> Iterator[tuple[list[StepRecord], Observation | None]]:
    """Random episodes: steps, and the last observation or None where something broke off; some steps are a person's."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        rows = observed(rng, spec)
        person = rng.integers(LENGTH)
        steps = []
        for i in range(LENGTH):
            action = rng.uniform(-1, 1, 3).astype(np.float32)
            success = number % 3 == 0 and i == LENGTH - 1
            step = StepRecord(
                obs=rows[i],
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
        yield steps, None if number % 5 == 4 and not steps[-1].success else rows[-1]


def tell(progress: Progress) -> None:
    """One line with the number of updates."""
    os.write(1, b"%d\n" % progress.updates)


def main() -> None:
    """Learn until killed or done."""
    prepare(1)
    folder, address = Path(sys.argv[1]), sys.argv[2]
    steps, checkpoint_every, width = (int(v) for v in sys.argv[3:6])
    method = registry.load("rlpd")
    spec, vision = SPEC, Vision()
    if sys.argv[6:] == ["images"]:
        spec, vision = SEEING, Vision(encoder="conv", places=2, width=8, shift=2)
    config = method.Config(hidden=(width, width), batch_size=64, utd=UTD, learning_starts=STARTS, vision=vision)
    learner = method.make(config, spec, base=None, statistics=None)
    demos = Replay(spec, 1000, seed=5)
    for shown, final in episodes(1, 10, spec):
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
