"""Checkpoints: a folder with the policy (safetensors + JSON), the learner's state, and the base policy under it.

``policy.safetensors`` is all that acting needs; ``learner.safetensors`` is what resuming needs besides, and where a
run was, ``progress.json``; ``base/`` is a checkpoint of the same form. A folder appears whole or not at all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_type_hints

import safetensors.numpy
import safetensors.torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from robot_rl.core.errors import CheckpointError, RobotRLError
from robot_rl.core.spec import Spec
from robot_rl.learner import registry, tensorfile
from robot_rl.learner.protocol import Learner, Recipe, WeightedPolicy
from robot_rl.learner.snapshot import Snapshot, take
from robot_rl.learner.swap import put

FORMAT = 1
DESCRIPTION = "checkpoint.json"
PROGRESS = "progress.json"
Meta = Mapping[str, str | int | float | bool]
Weights = Mapping[str, NDArray]


def save(path: Path, method: str, config: Any, spec: Spec, learner: Learner, meta: Meta) -> None:  # noqa: ANN401
    """Write ``learner`` to the folder ``path``, replacing what was there in one rename."""
    write(path, take(learner, recipe=Recipe(method, config, spec)), meta)


def write(path: Path, snapshot: Snapshot, meta: Meta, like: Path | None = None) -> None:
    """Write a snapshot to the folder ``path``, replacing what was there in one step.

    ``like`` is a checkpoint of the same run: the policy under it, which never changes, is linked from there.
    """
    path = Path(path)
    staging = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_policy(staging, snapshot.recipe, snapshot.weights, meta, base=snapshot.base is not None)
        if snapshot.base is not None:
            _write_base(staging / "base", snapshot.base, like and like / "base")
        tensorfile.write(staging / "learner.safetensors", snapshot.tensors)
        if snapshot.progress:
            (staging / PROGRESS).write_text(json.dumps(snapshot.progress))
        put(staging, path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def load_policy(path: Path) -> WeightedPolicy:
    """The policy of a checkpoint, ready to act; ``CheckpointError`` says in one line what is wrong."""
    path = Path(path)
    data = describe(path)
    try:
        method = registry.load(data["method"])
        config = read_config(method.Config, data["config"])
        base = load_policy(path / "base") if data["base"] else None
        policy = method.make_policy(config, Spec.from_json(data["spec"]), base=base)
        policy.load_weights(safetensors.numpy.load_file(path / "policy.safetensors"))
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): train again, or use another checkpoint") from error
    except CheckpointError:
        raise
    except RobotRLError as error:
        raise CheckpointError(f"{path} cannot be loaded ({error}): use the version that wrote it") from error
    return policy


def resume(path: Path, learner: Learner) -> None:
    """Load the state that ``save`` wrote into a learner made from the same configuration."""
    try:
        learner.load_state_dict(safetensors.torch.load_file(Path(path) / "learner.safetensors"))
    except (KeyError, RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} does not fit this learner: use the configuration it was saved with") from error


def describe(path: Path) -> dict[str, Any]:
    """What the checkpoint says of itself: format, method, config, spec, meta, base (whether there is one)."""
    file = Path(path) / DESCRIPTION
    if not file.is_file():
        raise CheckpointError(f"{path} is no checkpoint, it has no {DESCRIPTION}: check the path, or train first")
    try:
        data = json.loads(file.read_text())
        version = data["format"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{file} is damaged: train again, or use another checkpoint") from error
    if version != FORMAT:
        raise CheckpointError(f"{path} has format {version}, this version reads {FORMAT}: train again")
    return cast(dict[str, Any], data)


def read_config(kind: type[Any], data: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """A config dataclass from JSON; lists become tuples, and objects the dataclasses that stand for them."""
    types = get_type_hints(kind)

    def value(name: str, given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and dataclasses.is_dataclass(types.get(name)):
            return read_config(types[name], given)
        return tuple(given) if isinstance(given, list) else given

    return kind(**{name: value(name, given) for name, given in data.items()})


def progress(path: Path) -> dict[str, Any]:
    """What a run put beside its learner's state; empty where nothing was."""
    try:
        return cast(dict[str, Any], json.loads((Path(path) / PROGRESS).read_text()))
    except FileNotFoundError:
        return {}
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): use another checkpoint") from error


def _write_policy(folder: Path, recipe: Recipe, weights: Weights, meta: Meta, *, base: bool) -> None:
    folder.mkdir(parents=True)
    data = {
        "format": FORMAT,
        "method": recipe.method,
        "config": dataclasses.asdict(recipe.config),
        "spec": recipe.spec.to_json(),
        "meta": dict(meta),
        "base": base,
    }
    (folder / DESCRIPTION).write_text(json.dumps(data, indent=1) + "\n")
    tensorfile.write(folder / "policy.safetensors", weights)


def _write_base(folder: Path, policy: WeightedPolicy, like: Path | None) -> None:
    if like is not None and like.is_dir():
        shutil.copytree(like, folder, copy_function=os.link)
        return
    recipe = getattr(policy, "recipe", None)
    if recipe is None:
        kind = type(policy).__name__
        raise CheckpointError(f"base policy {kind} has no recipe and cannot be saved: use one made by a method")
    _write_policy(folder, recipe, policy.weights(), {}, base=policy.base is not None)
    if policy.base is not None:
        _write_base(folder / "base", cast(WeightedPolicy, policy.base), None)
