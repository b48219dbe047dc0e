"""A dataset of plausible demonstrations, in which one thing may be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.recorder import EpisodeWriter

STATE, IMAGE = "observation.state", "observation.images.wrist"
SPEC = Spec(observation={STATE: Feature((4,)), IMAGE: Feature((40, 40, 3), "uint8")}, action_dim=2, rate=10.0)
STEPS = 30
Spoil = Callable[[list[StepRecord], int], list[StepRecord]]


def demonstration(episode: int, steps: int = STEPS) -> list[StepRecord]:
    """Steps of an arm that moves in every joint, and a camera that sees it."""
    rng = np.random.default_rng(episode)
    state = np.cumsum(rng.normal(0, 0.1, (steps + 1, 4)), axis=0).astype(np.float32)
    images = rng.integers(0, 256, (steps + 1, 40, 40, 3), dtype=np.uint8)
    actions = rng.uniform(-0.8, 0.8, (steps + 1, 2)).astype(np.float32)
    energy = EnergyState(
        tank=1.5, spring=0.1, work=0.0, budget=1.6, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.2
    )
    return [
        StepRecord(
            obs={STATE: state[t], IMAGE: images[t]},
            action=actions[t],
            proposal=actions[t],
            reward=float(t == steps - 1),
            success=t == steps - 1,
            terminated=t == steps - 1,
            truncated=False,
            source=Source.HUMAN,
            stamp=100.0 * episode + t / 10,
            energy=energy,
            peak_force=float(t),
            frame_stamps={"wrist": 100.0 * episode + t / 10 - 0.02},
        )
        for t in range(steps + 1)
    ]


def record(root: Path, spoil: Spoil = lambda steps, episode: steps, episodes: int = 10) -> Path:
    """Record episodes 0, 1 ...; ``spoil`` may change their steps, of which the last one gives the final observation."""
    with EpisodeWriter(root, SPEC, {"task": "test"}) as writer:
        for episode in range(episodes):
            writer.begin({"instruction": "move", "seed": episode})
            *steps, last = spoil(demonstration(episode), episode)
            for step in steps:
                writer.add(step)
            writer.end(last.obs)
    return root


def with_obs(step: StepRecord, **arrays: np.ndarray) -> StepRecord:
    """The step with another state or image."""
    names = {"state": STATE, "image": IMAGE}
    return replace(step, obs={**step.obs, **{names[k]: v for k, v in arrays.items()}})
