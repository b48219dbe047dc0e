"""Episodes whose every number says which episode and row it belongs to, and a check that nothing of it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Observation, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.episode import Episode

IMAGE = IMAGES + "wrist"
SHAPE = (48, 64, 3)
SPEC = Spec(observation={STATE: Feature((3,)), IMAGE: Feature(SHAPE, "uint8")}, action_dim=2, rate=30.0)
PIXELS = np.arange(np.prod(SHAPE)).reshape(SHAPE)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)


def observation(name: int, row: int) -> Observation:
    """What was seen in row ``row`` of episode ``name``."""
    image = ((PIXELS * 7 + name * 131 + row * 17) % 251).astype(np.uint8)
    return {STATE: np.array([name, row, 0.5], np.float32), IMAGE: image}


def step(name: int, row: int, *, last: bool = False) -> StepRecord:
    """Step ``row`` of episode ``name``."""
    action = np.array([name, row], np.float32)
    return StepRecord(
        obs=observation(name, row),
        action=action,
        proposal=-action,
        reward=float(row % 5),
        success=last,
        terminated=last,
        truncated=False,
        source=Source.HUMAN,
        stamp=100.0 + row / SPEC.rate,
        energy=ENERGY,
        peak_force=0.25 * row,
    )


def wrong(episode: Episode) -> str:
    """What is not as it was recorded; empty when nothing is."""
    name = int(episode.meta["episode"])
    rows = episode.obs[STATE][:, 1].astype(int)
    if (np.diff(rows) != 1).any() or len(rows) != len(episode) + 1:
        return "its rows do not follow each other"
    for t, row in enumerate(rows):
        for key, value in observation(name, int(row)).items():
            if not np.array_equal(episode.obs[key][t], value):
                return f"{key} of row {t}"
    first = rows[:-1]
    if not np.array_equal(episode.action, np.stack([np.full(len(first), name), first], axis=1)):
        return "its actions"
    return "" if np.allclose(episode.peak_force, 0.25 * first) else "its forces"


def facts(root: Path, version: int | None = None) -> list[list[object]]:
    """What the episodes of a dataset are, in short."""
    dataset = open_dataset(root, version)
    return [
        [e.number, e.outcome, e.meta["episode"], len(e), float(e.obs[STATE][0][1]), round(float(e.reward.sum()), 3)]
        for e in dataset.episodes()
    ]


def problems(root: Path) -> list[str]:
    """All that is wrong with a dataset."""
    dataset = open_dataset(root)
    found = [f"{path.name} is damaged" for path in dataset.verify()]
    found += [f"{e.path.name}: {what} is wrong" for e in dataset.episodes() if (what := wrong(e))]
    return found + ([dataset.left_open] if dataset.left_open else [])
