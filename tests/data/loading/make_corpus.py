"""Corpora whose every number says which episode and row it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from make_episodes import SPEC, observation, step

from robot_rl.core.spec import Feature, Spec
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.data.episode import Episode
from robot_rl.data.recorder import EpisodeWriter

SMALL = Spec(observation={"observation.state": Feature((2,))}, action_dim=1, rate=10.0)


def recorded(root: Path, lengths: Sequence[int], first: int = 0) -> Dataset:
    """A dataset on disk, one episode per length; the even ones succeed, the others run out of time."""
    with EpisodeWriter(root, SPEC) as writer:
        for number, length in enumerate(lengths, first):
            writer.begin({})
            for row in range(length):
                last = row == length - 1
                writer.add(step(number, row, terminated=last and number % 2 == 0, truncated=last and number % 2 == 1))
            writer.end(observation(number, length))
    return open_dataset(root)


def in_memory(lengths: Sequence[int], rewards: Sequence[float]) -> list[Episode]:
    """Episodes of ``SMALL`` with the same reward at every step of one; state (episode, row), action row."""
    return [
        _episode(number, length, reward) for number, (length, reward) in enumerate(zip(lengths, rewards, strict=True))
    ]


def _episode(number: int, length: int, reward: float) -> Episode:
    rows = np.arange(length + 1, dtype=np.float32)
    state = np.stack([np.full(length + 1, number, np.float32), rows], axis=1)
    given = {"path": Path(f"ep{number}"), "number": number, "uuid": str(number), "outcome": "success", "meta": {}}
    columns = {name: np.zeros(length, np.float32) for name in Episode.__dataclass_fields__ if name not in given}
    columns |= {"obs": {"observation.state": state}, "energy": {}, "reward": np.full(length, reward, np.float32)}
    columns |= {"action": rows[:-1, None], "terminated": np.zeros(length, np.bool_)}
    return Episode(**given, **columns)
