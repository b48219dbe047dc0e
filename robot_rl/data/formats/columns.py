"""Episodes as columns, the way that other formats store them, and back as steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.freshness import Freshness
from robot_rl.core.records import EnergyState, Mode, Observation, RewardSource, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.layout import FRAME_STAMP, FRESHNESS, LEDGER, SCALARS, Layout, unknown_at_first
from robot_rl.data.recorder import EpisodeWriter

SIDE: int = 1
"""Version of the description that exports carry along for a later import."""


@dataclass(kw_only=True)
class Incoming:
    """One episode on its way into a dataset."""

    rows: Iterable[Observation]
    """T + 1 observations, or T when the format has none after the last step."""
    columns: dict[str, NDArray]
    """Columns of T steps by the names of ``Layout.step_columns``; only ``action`` must be there."""
    outcome: str = ""
    """As in ``Episode``; empty: what the last step says."""
    meta: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, tuple[NDArray, NDArray]] = field(default_factory=dict)
    """Signals that are faster than the steps: name -> stamps (N,) [s], values (N, ...)."""


def step_columns(episode: Episode, spec: Spec) -> dict[str, NDArray]:
    """All columns of an episode's steps, name -> (T, ...)."""
    stamps = {FRAME_STAMP + camera: values for camera, values in episode.frame_stamps.items()}
    other = {**episode.energy, **episode.freshness, **stamps}
    return {name: other[name] if name in other else getattr(episode, name) for name in Layout(spec).step_columns}


def steps_of(incoming: Incoming, spec: Spec) -> Iterator[StepRecord]:
    """The steps of an episode; columns that are not there are filled in (``defaults``)."""
    columns = {**defaults(incoming.columns, spec), **incoming.columns}
    for t, obs in zip(range(len(columns["action"])), incoming.rows, strict=False):
        energy = {name: columns[name][t].item() for name, _ in LEDGER}
        fresh = {name: columns[name][t].item() for name, _ in FRESHNESS}
        scalars = {name: columns[name][t].item() for name, _ in SCALARS}
        scalars |= {"source": Source(scalars["source"]), "reward_source": RewardSource(scalars["reward_source"])}
        stamps = {camera: float(columns[FRAME_STAMP + camera][t]) for camera in spec.cameras}
        yield StepRecord(
            obs=obs,
            action=columns["action"][t],
            proposal=columns["proposal"][t],
            policy_proposal=columns["policy_proposal"][t],
            energy=EnergyState(**{**energy, "mode": Mode(energy["mode"])}),
            frame_stamps={camera: stamp for camera, stamp in stamps.items() if not np.isnan(stamp)},
            freshness=Freshness(**fresh),
            **scalars,
        )


def defaults(columns: Mapping[str, NDArray], spec: Spec) -> dict[str, NDArray]:
    """What stands for columns that a format does not have."""
    steps = len(columns["action"])
    features = Layout(spec).step_columns
    made: dict[str, NDArray] = {name: np.zeros((steps, *f.shape), f.dtype) for name, f in features.items()}
    made |= {name: np.full(steps, np.nan) for name in features if unknown_at_first(name)}
    made["proposal"] = columns["action"]
    made["policy_proposal"] = columns.get("proposal", columns["action"])
    made["stamp"] = np.arange(steps) / spec.rate
    made["scale"] = np.ones(steps)
    made["mode"] = np.full(steps, int(Mode.ACTIVE), np.uint8)
    made["source"] = np.full(steps, int(Source.HUMAN), np.uint8)
    return made


def write_episode(writer: EpisodeWriter, incoming: Incoming) -> bool:
    """Record an episode; returns whether it had an observation after its last step, else the last one is repeated."""
    rows = iter(incoming.rows)
    incoming.rows = rows
    writer.begin(incoming.meta)
    for name, (stamps, values) in incoming.streams.items():
        for stamp, value in zip(stamps.tolist(), values, strict=True):
            writer.stream(name, stamp, value)
    last: Observation | None = None
    for step in steps_of(incoming, writer.spec):
        writer.add(step)
        last = step.obs
    final = next(rows, None)
    if incoming.outcome:
        writer.annotate({"outcome": incoming.outcome})
    writer.end(last if final is None else final)
    return final is not None


def describe(dataset: Dataset) -> dict[str, Any]:
    """What an export carries along so that an import gives the same dataset again; plain types."""
    episodes = [{"outcome": e["outcome"], "meta": dict(e["meta"]), "uuid": e["uuid"]} for e in dataset.index]
    return {
        "robot_rl": SIDE,
        "spec": dataset.spec.to_json(),
        "meta": dict(dataset.meta),
        "episodes": episodes,
    }


def described(text: str | bytes | None) -> dict[str, Any] | None:
    """What ``describe`` gave, from JSON; None when it is missing, or of a newer program."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("robot_rl") == SIDE else None


def is_image(feature: Feature) -> bool:
    """Whether a feature is a colour image (H, W, 3)."""
    return len(feature.shape) == 3 and feature.shape[2] == 3 and feature.dtype == "uint8"
