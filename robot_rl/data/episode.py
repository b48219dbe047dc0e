"""One committed episode, read from disk: streamed features are mapped, all else is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.freshness import Freshness
from robot_rl.core.records import EnergyState, Mode, Observation, RewardSource, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.layout import FRESHNESS, LARGE, LEDGER, SCHEMA, Layout, absent_column, chunk_file, row_bytes
from robot_rl.data.shards import ShardedRows
from robot_rl.data.streams import STREAMS, read_stream


@dataclass(frozen=True, kw_only=True)
class Episode:
    """T steps and the T + 1 observations around them."""

    path: Path
    number: int
    uuid: str
    outcome: str
    """success, failure, unlabeled (stopped by its operator) or interrupted (its recorder died or gave up)."""
    meta: Mapping[str, str | int | float | bool]
    """What the recorder was told: task, operator, seed, instruction, notes."""
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All that is known of it: ``timing``, ``provenance``, ``sha256``, ``created`` ..."""
    obs: Mapping[str, NDArray]
    """Name -> rows (T + 1, ...); large ones are mapped from disk, or ``ShardedRows`` if they were archived."""
    action: NDArray[np.float32]
    """Really executed, (T, A) in [-1, 1]."""
    proposal: NDArray[np.float32]
    """Asked for, (T, A)."""
    policy_proposal: NDArray[np.float32]
    """What the policy would have done while a person had the arm, (T, A); elsewhere the proposal."""
    reward: NDArray[np.float32]
    success: NDArray[np.bool_]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    source: NDArray[np.uint8]
    """``Source`` of each action, (T,)."""
    stamp: NDArray[np.float64]
    """Time of each observation with an action, monotonic, (T,) [s]."""
    peak_force: NDArray[np.float32]
    """Largest external force within the step, (T,) [N]."""
    intervention: NDArray[np.uint32]
    """Which intervention each step belongs to, counted from 1, (T,); 0: none."""
    reward_source: NDArray[np.uint8]
    """``RewardSource`` of each reward, (T,)."""
    frame_stamps: Mapping[str, NDArray]
    """Camera -> exposures of the images before each action, (T,) [s]; NaN where it is not known."""
    energy: Mapping[str, NDArray]
    """Fields of ``EnergyState`` after each action, (T,): tank, spring, work, budget [J], scale, mode, violations ..."""
    freshness: Mapping[str, NDArray]
    """Fields of ``Freshness`` of each step, (T,): observation_age, action_age, weights_age, overrun [s], missed ..."""

    def __len__(self) -> int:
        return len(self.action)

    @property
    def instruction(self) -> str:
        """What the robot was to do, in natural language; empty if nobody said."""
        return str(self.meta.get("instruction") or "")

    @property
    def timing(self) -> Mapping[str, int | float]:
        """``late`` and ``missing`` steps, and the longest ``gap`` [s]; empty for episodes of older programs."""
        return self.attributes.get("timing", {})

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the signals that are faster than the steps."""
        return tuple(self.attributes.get(STREAMS, {}))

    def stream(self, name: str) -> tuple[NDArray[np.float64], NDArray]:
        """Stamps (N,) [s] and values (N, ...) of a signal that is faster than the steps, mapped from disk.

        ``np.searchsorted(stamps, episode.stamp, side="right") - 1`` is the newest sample before each step.
        """
        return read_stream(self.path, self.attributes, name)

    def observation(self, row: int) -> Observation:
        """The observation before step ``row``; row T is the final one."""
        return {name: rows[row] for name, rows in self.obs.items()}

    @property
    def final_obs(self) -> Observation:
        """The observation after the last step."""
        return self.observation(len(self))

    def steps(self) -> Iterator[StepRecord]:
        """The steps as they were handed to the recorder."""
        for t in range(len(self)):
            energy = {name: column[t].item() for name, column in self.energy.items()}
            fresh = {name: column[t].item() for name, column in self.freshness.items()}
            yield StepRecord(
                obs=self.observation(t),
                action=self.action[t],
                proposal=self.proposal[t],
                reward=float(self.reward[t]),
                success=bool(self.success[t]),
                terminated=bool(self.terminated[t]),
                truncated=bool(self.truncated[t]),
                source=Source(int(self.source[t])),
                stamp=float(self.stamp[t]),
                energy=EnergyState(**{**energy, "mode": Mode(energy["mode"])}),
                peak_force=float(self.peak_force[t]),
                policy_proposal=self.policy_proposal[t],
                intervention=int(self.intervention[t]),
                reward_source=RewardSource(int(self.reward_source[t])),
                frame_stamps={c: float(s[t]) for c, s in self.frame_stamps.items() if not np.isnan(s[t])},
                freshness=Freshness(**fresh),
            )


def load_episode(path: Path, spec: Spec, attributes: Mapping[str, Any]) -> Episode:
    """Read a committed episode; ``DatasetError`` if one of its files is missing or has a wrong size."""
    layout = Layout(spec)
    entry = {**attributes, "path": path}
    obs = {name: read_column(entry, name, layout) for name in spec.observation}
    columns: dict[str, Any] = {}
    for name in layout.step_columns:
        columns[name] = read_column(entry, name, layout)
    energy, fresh = ({name: columns.pop(name) for name, _ in part} for part in (LEDGER, FRESHNESS))
    stamps = {camera: columns.pop(name) for camera, name in layout.frame_stamps.items()}
    facts: dict[str, Any] = {key: attributes[key] for key in ("number", "uuid", "outcome", "meta")}
    facts |= {"attributes": attributes, "frame_stamps": stamps, "freshness": fresh}
    return Episode(path=path, obs=obs, energy=energy, **facts, **columns)


def read_column(entry: Mapping[str, Any], name: str, layout: Layout) -> NDArray:
    """All rows of an array of an episode of the index; a column that an older program did not write is filled in."""
    feature, steps, path = layout.arrays[name], int(entry["steps"]), entry["path"]
    if entry.get("archived") and name in layout.large:
        file = chunk_file(path, name, feature)
        return cast(NDArray, ShardedRows(file, feature, layout.rows(name, steps)))  # as far as it goes
    if name in layout.spec.observation or entry.get("schema", 1) == SCHEMA or (path / name).exists():
        return read_rows(path, name, feature, layout.rows(name, steps))
    proposal = read_rows(path, "proposal", layout.arrays["proposal"], steps)
    return absent_column(name, feature, steps, proposal)


def read_rows(path: Path, name: str, feature: Feature, rows: int) -> NDArray:
    """All rows of an array, mapped from its file when they are large, else in memory."""
    file = chunk_file(path, name, feature)
    size = file.stat().st_size if file.exists() else 0
    if size != rows * row_bytes(feature):
        want = rows * row_bytes(feature)
        raise DatasetError(f"{file} has {size} bytes, not {want}: the episode is damaged, remove its folder")
    dtype, shape = np.dtype(feature.dtype), (rows, *feature.shape)
    if row_bytes(feature) >= LARGE:
        return np.memmap(file, dtype, mode="r", shape=shape)
    return np.fromfile(file, dtype).reshape(shape)
