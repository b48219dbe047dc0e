"""A plain model of what a replay must hold, and checks of a replay against it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from make_episodes import STATE, step

from robot_rl.core.errors import DatasetError
from robot_rl.core.protocols import EpisodeSink
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.replay import Replay

PLAIN = Spec(observation={STATE: Feature((3,)), "mark": Feature((1,), "uint8")}, action_dim=2, rate=10.0)
ENDS = ("terminated", "truncated", "stopped", "interrupted", "interrupted after the end", "open")


@dataclass(frozen=True)
class Row:
    """What the model knows of one stored observation."""

    episode: int
    row: int
    known: bool = False
    """It has an action whose result is known."""
    reward: float = 0.0
    terminated: bool = False


def look(episode: int, row: int) -> dict[str, np.ndarray]:
    return {STATE: np.array([episode, row, 0.5], np.float32), "mark": np.array([episode % 256], np.uint8)}


def fill(sink: EpisodeSink, episode: int, length: int, end: str) -> list[Row]:
    """Add one episode; returns the rows that a replay must hold for it, final observation included."""
    sink.begin({})
    ends = {"terminated": end in ("terminated", "interrupted after the end"), "truncated": end == "truncated"}
    rows = []
    for row in range(length):
        record = step(episode, row, **(ends if row == length - 1 else {}))
        sink.add(replace(record, obs=look(episode, row)))
        rows.append(Row(episode, row, row < length - 1 or end in ENDS[:3], record.reward, record.terminated))
    if end in ENDS[:3]:
        sink.end(look(episode, length))
        rows.append(Row(episode, length))
    elif end != "open":
        sink.end(None)
        sink.end(look(episode, length))  # nothing is open: no effect
    return rows


def expected_return(rows: list[Row], i: int, n_step: int, gamma: float) -> tuple[float, float, Row]:
    total, discount = 0.0, 1.0
    for k in range(n_step):
        row = rows[i + k]
        total += discount * row.reward
        discount *= gamma
        following = rows[i + k + 1]
        assert (following.episode, following.row) == (row.episode, row.row + 1)
        if row.terminated:
            return total, 0.0, following
        if not following.known:
            return total, discount, following
    return total, discount, following


def check_samples(replay: Replay, rows: list[Row], n_step: int, gamma: float) -> None:
    valid = {(row.episode, row.row): i for i, row in enumerate(rows) if row.known}
    assert len(replay) == len(valid)
    if not valid:
        with pytest.raises(DatasetError, match="no complete step"):
            replay.sample(1)
        return
    batch = replay.sample(64, n_step, gamma)
    for b in range(64):
        episode, row = (int(x) for x in batch.obs[STATE][b, :2])
        i = valid[episode, row]
        total, discount, following = expected_return(rows, i, n_step, gamma)
        np.testing.assert_array_equal(batch.next_obs[STATE][b], look(following.episode, following.row)[STATE])
        assert following.episode == episode
        assert batch.obs["mark"][b, 0] == batch.next_obs["mark"][b, 0] == episode % 256
        np.testing.assert_array_equal(batch.action[b], [episode, row])
        assert batch.reward[b] == pytest.approx(total, abs=1e-5)
        assert batch.discount[b] == pytest.approx(discount, abs=1e-6)
