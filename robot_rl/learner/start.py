"""The checkpoint that an actor starts from, and what it must send; one file format, no handshake needed."""

from __future__ import annotations

import json
from pathlib import Path

from robot_rl.core.errors import CheckpointError
from robot_rl.core.spec import Spec
from robot_rl.learner import checkpoint
from robot_rl.learner.protocol import Learner, WeightedPolicy

STORED = "stored_spec"
"""Key of the checkpoint's meta data: JSON of what the learner's replay stores."""


def save(path: Path, learner: Learner, task: str, counts: dict[str, int]) -> None:
    """Write a checkpoint of a learner, with its task, its counters and the spec of what actors send to it."""
    recipe = learner.policy.recipe
    meta = {STORED: json.dumps(learner.spec.to_json()), "task": task, **counts}
    checkpoint.save(path, recipe.method, recipe.config, recipe.spec, learner, meta)


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
