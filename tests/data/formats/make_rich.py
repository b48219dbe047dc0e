"""A dataset in which every column says something, and a comparison that overlooks nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from make_episodes import SPEC, observation, step

from robot_rl.core.freshness import Freshness
from robot_rl.core.records import Mode, RewardSource, Source
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.data.formats.columns import step_columns
from robot_rl.data.formats.convert import convert
from robot_rl.data.recorder import EpisodeWriter

CAMERA = "wrist"
LENGTHS = (7, 1, 12)
NEW = {"uuid, time and program of recording": "those of this conversion"}
"""What every import says."""


def rich_step(episode: int, row: int, *, last: bool):
    """A step with another value in every field of every row."""
    plain = step(episode, row, terminated=last and episode == 0, truncated=last and episode == 1)
    x = episode + row / 16
    age = x / 13 if row % 2 else float("nan")
    fresh = Freshness(observation_age=age, action_age=x / 17, overrun=x / 19, missed=row, weights_version=row * 7)
    energy = replace(plain.energy, tank=x, spring=x / 3, work=-x, budget=2 * x, scale=x / 40, violations=row)
    return replace(
        plain,
        obs=smooth(episode, row),
        policy_proposal=np.array([x, -x], np.float32),
        reward=x / 7,
        source=Source(row % 6),
        stamp=1e5 + row * 0.1 + 0.003 * episode + 1e-7 * row,
        peak_force=x / 9,
        intervention=row // 2,
        reward_source=RewardSource(row % 4),
        frame_stamps={CAMERA: 1e5 + x} if row % 3 else {},
        freshness=fresh,
        energy=replace(energy, mode=Mode(row % 5), worst_ratio=x / 11),
    )


def smooth(episode: int, row: int) -> dict[str, np.ndarray]:
    """An observation with an image that video codecs can keep."""
    y, x = np.mgrid[0:40, 0:40]
    image = np.stack([60 + 2 * x + row, 90 + 2 * y + 5 * episode, 120 + x - y + 3 * row], axis=-1)
    return {**observation(episode, row), "observation.images.wrist": image.astype(np.uint8)}


def rich(root: Path) -> Dataset:
    """Three episodes: a success, a time-out of one step, and one that its operator stopped and called a failure."""
    with EpisodeWriter(root, SPEC, {"task": "peg_insert", "station": "left"}) as writer:
        for number, length in enumerate(LENGTHS):
            writer.begin({"instruction": f"insert peg {number % 2}", "seed": number, "operator": "äöü", "note": None})
            for row in range(length):
                writer.add(rich_step(number, row, last=row == length - 1))
            if number == 2:
                writer.annotate({"outcome": "failure"})
            writer.end(smooth(number, length))
    return open_dataset(root)


def assert_same(first: Dataset, second: Dataset, lossy: Collection[str] = ()) -> None:
    """Equal to the last bit, but for the features named in ``lossy``."""
    assert first.spec == second.spec
    assert dict(first.meta) == dict(second.meta)
    assert len(first) == len(second)
    for a, b in zip(first.episodes(), second.episodes(), strict=True):
        assert (a.outcome, dict(a.meta)) == (b.outcome, dict(b.meta))
        columns = step_columns(a, first.spec), step_columns(b, second.spec)
        for name in columns[0]:
            assert columns[0][name].dtype == columns[1][name].dtype, name
            np.testing.assert_array_equal(columns[0][name], columns[1][name], err_msg=name)
        for name in a.obs:
            assert a.obs[name].shape == b.obs[name].shape, name
            if name not in lossy:
                np.testing.assert_array_equal(a.obs[name], b.obs[name], err_msg=name)


def assert_round_trip(folder: Path, name: str, kind: str) -> None:
    """A rich dataset goes to the format ``kind`` under ``name`` and comes back without a loss."""
    original = rich(folder / "set")
    out = convert(original.root, folder / name, kind)
    back = convert(folder / name, folder / "back", kind)
    assert (out.episodes, out.steps, out.lost, out.assumed) == (3, sum(LENGTHS), {}, {})
    assert (back.episodes, back.steps, back.lost, back.assumed) == (3, sum(LENGTHS), {}, NEW)
    assert_same(original, open_dataset(folder / "back"))
