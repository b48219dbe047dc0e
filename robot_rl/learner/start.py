"""The checkpoint that an actor starts from, and what it must send; one file format, no handshake needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from robot_rl.core.errors import CheckpointError
from robot_rl.core.spec import Spec
from robot_rl.learner import checkpoint
from robot_rl.learner.protocol import Learner, WeightedPolicy
from robot_rl.learner.snapshot import Snapshot, take

STORED = "stored_spec"
"""Key of the checkpoint's meta data: JSON of what the learner's replay stores."""


@dataclass(frozen=True)
class Origin:
    """Where a checkpoint comes from."""

    spec: Spec
    """What actors send to the learner."""
    task: str


def save(path: Path, learner: Learner, task: str, counts: dict[str, int]) -> None:
    """Write a checkpoint of a learner, with its task, its counters and the spec of what actors send to it."""
    checkpoint.write(path, take(learner), _meta(learner.spec, task, counts))


def write(path: Path, snapshot: Snapshot, origin: Origin, counts: dict[str, int], like: Path | None = None) -> None:
    """The same of a learner that was copied before; ``like`` as in ``checkpoint.write``."""
    checkpoint.write(path, snapshot, _meta(origin.spec, origin.task, counts), like)


def _meta(spec: Spec, task: str, counts: dict[str, int]) -> dict[str, str | int | float | bool]:
    return {STORED: json.dumps(spec.to_json()), "task": task, **counts}


def load(path: Path) -> tuple[WeightedPolicy, Spec]:
    """Policy of such a checkpoint, and what its actor sends; ``CheckpointError`` if it was not written by ``save``."""
    meta = checkpoint.describe(path)["meta"]
    if STORED not in meta:
        raise CheckpointError(f"{path} was not written by a learner: give the folder that robot-rl learner wrote")
    return checkpoint.load_policy(path), Spec.from_json(json.loads(meta[STORED]))


def counters(path: Path) -> dict[str, int]:
    """The counters in such a checkpoint."""
    meta = checkpoint.describe(path)["meta"]
    return {k: v for k, v in meta.items() if isinstance(v, int)}
