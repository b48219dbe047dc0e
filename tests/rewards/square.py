"""A small world for classifiers: a square moves to the right, and past a line it is success."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, RewardSource, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.rewards.network import NetworkConfig
from robot_rl.rewards.training import TrainingConfig

SIDE, STEPS, LINE = 32, 11, 20
QUICK = TrainingConfig(network=NetworkConfig(size=SIDE), updates=150, batch=32, shift=1)
SPEC = Spec(
    observation={STATE: Feature((1,)), IMAGES + "wrist": Feature((SIDE, SIDE, 3), "uint8")}, action_dim=1, rate=10.0
)
QUIET = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)


@dataclass(frozen=True)
class Kind:
    """How an episode goes."""

    end: int = 26
    """Where the square is in the end; success from ``LINE`` on."""
    light: float = 1.0
    judge: RewardSource = RewardSource.TASK
    wrong: int = 0
    """1: it is said to be a failure although it is a success, or the other way round."""


def place(kind: Kind, row: int) -> int:
    """Left edge of the square."""
    return round(2 + (kind.end - 2) * row / STEPS)


def image(rng: np.random.Generator, left: int, top: int, light: float) -> np.ndarray:
    rgb = rng.integers(60, 100, (SIDE, SIDE, 3))
    rgb[:, LINE : LINE + 1] = (200, 40, 40)
    rgb[top : top + 5, left : left + 5] = (60, 220, 90)
    return np.clip(rgb * light, 0, 255).astype(np.uint8)


def record(root: Path, kinds: list[Kind], first_seed: int = 0) -> Path:
    """A dataset with an episode of each kind."""
    with EpisodeWriter(root, SPEC, {"task": "square"}) as writer:
        for number, kind in enumerate(kinds):
            rng = np.random.default_rng(first_seed + number)
            top = int(rng.integers(2, SIDE - 8))
            observations = [
                {STATE: np.array([row], np.float32), IMAGES + "wrist": image(rng, place(kind, row), top, kind.light)}
                for row in range(STEPS + 1)
            ]
            writer.begin({"seed": number})
            for t in range(STEPS):
                last = t == STEPS - 1
                success = (last and kind.end < LINE) if kind.wrong else place(kind, t + 1) >= LINE
                step = StepRecord(
                    obs=observations[t],
                    action=np.zeros(1, np.float32),
                    proposal=np.zeros(1, np.float32),
                    reward=float(success and last),
                    success=success,
                    terminated=success and last,
                    truncated=last and not success,
                    source=Source.HUMAN,
                    stamp=t * 0.1,
                    energy=QUIET,
                    peak_force=0.0,
                    reward_source=kind.judge,
                )
                writer.add(step)
            writer.end(observations[-1])
    return root
