"""How an episode lies on disk: the columns of a row, the names of its files, and their zarr v3 metadata.

A dataset is a folder with ``dataset.json`` and ``episodes/ep<number>-<uuid>.zarr``. An episode is a zarr v3 group;
each array is one raw chunk, so its file is the plain C array and can be mapped into memory. While an episode is open
it lies in ``.staging/<uuid>``: rows of large features go straight into the files that will be their chunks, all else
goes into one log of fixed-size records, each with a checksum over its whole row, written last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.records import StepRecord
from robot_rl.core.spec import Feature, Spec

SCHEMA: Final = 3
"""Version of the layout."""
READABLE: Final = (1, 2, 3)
"""Versions that this program reads; columns that an older one lacks are filled in."""
STEP: Final = 1
"""Kind of a log record that holds one step."""
FINAL: Final = 2
"""Kind of a log record that holds the observation after the last step."""
LARGE: Final = 4096
"""Features with rows of at least this many bytes are streamed to their own file [B]."""
SCALARS: Final = (
    ("reward", "<f4"),
    ("success", "|b1"),
    ("terminated", "|b1"),
    ("truncated", "|b1"),
    ("source", "|u1"),
    ("stamp", "<f8"),
    ("peak_force", "<f4"),
    ("intervention", "<u4"),
    ("reward_source", "|u1"),
)
"""Columns with one number per step, beside the ledger."""
LEDGER: Final = (
    ("tank", "<f8"),
    ("spring", "<f8"),
    ("work", "<f8"),
    ("budget", "<f8"),
    ("scale", "<f8"),
    ("mode", "|u1"),
    ("violations", "<i8"),
    ("worst_ratio", "<f8"),
)
"""Fields of ``EnergyState``, one column each."""
FRESHNESS: Final = (
    ("observation_age", "<f4"),
    ("action_age", "<f4"),
    ("overrun", "<f4"),
    ("missed", "<u4"),
    ("weights_version", "<u4"),
    ("weights_age", "<f4"),
)
"""Fields of ``Freshness``, one column each; ages are NaN where nobody measured them."""
AGES: Final = ("observation_age", "action_age", "weights_age")
ACTIONS: Final = ("action", "proposal", "policy_proposal")
"""Columns of shape (A,)."""
FRAME_STAMP: Final = "frame_stamp."
"""Prefix of the columns with the exposures of a camera's images [s]; NaN where it is not known."""
RESERVED: Final = (*ACTIONS, "count", "kind", "crc", "zarr.json")
"""Names that no feature may have, beside those above."""
DATASET_FILE: Final = "dataset.json"
STAGING: Final = ".staging"
EPISODES: Final = "episodes"
LOG: Final = "steps.log"
META: Final = "meta.json"
GROUP: Final = "episode.zarr"
Meta = Mapping[str, str | int | float | bool | None]
"""What is known of an episode or a dataset beside its rows."""
CHUNK: Final = "c"
"""Chunk keys are ``c.0.0``: one folder per array."""


def record_to_json(record: np.dtype) -> list[list[Any]]:
    """The columns of a log record: name, type, shape."""
    return [[name, field[0].base.str, list(field[0].shape)] for name, field in (record.fields or {}).items()]


def record_from_json(columns: list[list[Any]]) -> np.dtype:
    """The record that ``record_to_json`` described."""
    return np.dtype([(str(name), str(code), tuple(shape)) for name, code, shape in columns])


def row_bytes(feature: Feature) -> int:
    """Size of one row [B]."""
    return int(np.prod(feature.shape, dtype=np.int64)) * np.dtype(feature.dtype).itemsize


class Layout:
    """The columns that belong to one spec."""

    def __init__(self, spec: Spec) -> None:
        self.frame_stamps = {camera: FRAME_STAMP + camera for camera in spec.cameras}
        """Camera -> column with the exposure of its images [s]."""
        for name in spec.observation:
            if (
                "/" in name
                or name.startswith(FRAME_STAMP)
                or name in {**dict(SCALARS + LEDGER + FRESHNESS), **dict.fromkeys(RESERVED)}
            ):
                raise DatasetError(f"feature {name!r} cannot be a column of a dataset: rename it in the task")
        self.spec = spec
        self.large = {k: f for k, f in spec.observation.items() if row_bytes(f) >= LARGE}
        self.small = {k: f for k, f in spec.observation.items() if row_bytes(f) < LARGE}
        action = [(name, "<f4", (spec.action_dim,)) for name in ACTIONS]
        observed = [(k, np.dtype(f.dtype).newbyteorder("<"), f.shape) for k, f in self.small.items()]
        stamps = [(name, "<f8") for name in self.frame_stamps.values()]
        columns = [*observed, *action, *SCALARS, *LEDGER, *FRESHNESS, *stamps]
        self.record = np.dtype([("count", "<u4"), ("kind", "<u4"), *columns, ("crc", "<u4")])
        """One record of the log; ``crc`` covers the record before it and the row of every large feature."""

    @cached_property
    def arrays(self) -> dict[str, Feature]:
        """Name -> feature of all arrays of an episode."""
        return {**self.spec.observation, **self.step_columns}

    def rows(self, name: str, steps: int) -> int:
        """Rows of an array in an episode of so many steps: observations have one more."""
        return steps + (name in self.spec.observation)

    @cached_property
    def step_columns(self) -> dict[str, Feature]:
        """Name -> feature of the columns with one row per step."""
        action = Feature((self.spec.action_dim,))
        scalars = {name: Feature((), np.dtype(code).name) for name, code in SCALARS + LEDGER + FRESHNESS}
        stamps = dict.fromkeys(self.frame_stamps.values(), Feature((), "float64"))
        return {**dict.fromkeys(ACTIONS, action), **scalars, **stamps}


def absent_column(name: str, feature: Feature, rows: int, proposal: np.ndarray) -> np.ndarray:
    """What stands for a column that an older program did not write."""
    if name == "policy_proposal":
        return proposal
    return np.full((rows, *feature.shape), np.nan if unknown_at_first(name) else 0, feature.dtype)


def unknown_at_first(name: str) -> bool:
    """Whether a column says NaN of a step that nobody measured; the others say 0."""
    return name.startswith(FRAME_STAMP) or name in AGES


def check_step(spec: Spec, step: StepRecord) -> None:
    """Raise ``SpecError`` unless observation and actions look as the spec says and are finite."""
    spec.check(step.obs)
    proposals = (("proposal", step.proposal), ("policy_proposal", policy_proposal(step)))
    for name, action in (("action", step.action), *proposals):
        if np.shape(action) != (spec.action_dim,):
            raise SpecError(f"{name} has shape {np.shape(action)}, the spec says ({spec.action_dim},): check the task")
        if not np.isfinite(action).all():
            raise SpecError(f"{name} holds a number that is not finite: check the policy")


def policy_proposal(step: StepRecord) -> np.ndarray:
    """What the policy would have done, (A,); the proposal where it had the arm or was not asked."""
    return step.proposal if step.policy_proposal is None else step.policy_proposal


def pack(fields: Mapping[str, np.ndarray], slot: int, step: StepRecord, frame_stamps: Mapping[str, str]) -> None:
    """Write all columns of a step except its observation into ``fields[name][slot]``."""
    for camera, name in frame_stamps.items():
        fields[name][slot] = step.frame_stamps.get(camera, np.nan)
    fields["action"][slot] = step.action
    fields["proposal"][slot] = step.proposal
    fields["policy_proposal"][slot] = policy_proposal(step)
    for name, _ in SCALARS:
        fields[name][slot] = getattr(step, name)
    for name, _ in LEDGER:
        fields[name][slot] = getattr(step.energy, name)
    for name, _ in FRESHNESS:
        fields[name][slot] = getattr(step.freshness, name)


def array_metadata(feature: Feature, rows: int) -> bytes:
    """The ``zarr.json`` of an array of ``rows`` rows in one raw chunk (zarr v3 core specification)."""
    dtype = np.dtype(feature.dtype)
    codec: dict[str, Any] = {"name": "bytes"}
    if dtype.itemsize > 1:
        codec["configuration"] = {"endian": "little"}
    shape = [rows, *feature.shape]
    fill: bool | int | float = {"b": False, "f": 0.0}.get(dtype.kind, 0)
    return _json(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": shape,
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": fill,
            "codecs": [codec],
            "attributes": {},
            "storage_transformers": [],
        }
    )


def group_metadata(attributes: Mapping[str, Any]) -> bytes:
    """The ``zarr.json`` of an episode."""
    return _json({"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)})


def chunk_file(group: Path, name: str, feature: Feature) -> Path:
    """The file that holds the raw rows of an array."""
    return group / name / ".".join([CHUNK, *["0"] * (1 + len(feature.shape))])


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, allow_nan=False).encode()
