"""robomimic's HDF5: ``data/demo_<i>`` with ``obs``, ``next_obs``, ``actions``, ``rewards``, ``dones``.

Everything fits: ``next_obs`` holds the last observation, our other columns lie beside ``actions`` under ``columns``
and ``streams``, and what is known of the episodes is JSON in the attribute ``robot_rl``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.episode import Episode
from robot_rl.data.formats.columns import Incoming, describe, described, step_columns
from robot_rl.data.formats.export import Export
from robot_rl.data.formats.needs import need
from robot_rl.data.formats.report import Report

NAME = "robomimic"
ROWS = 64
"""Rows that are copied at a time."""


def write(export: Export) -> None:
    """Write a dataset to one HDF5 file; images stay uncompressed, as robomimic's own recorder leaves them."""
    dataset = export.dataset
    with need("h5py").File(export.place, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = dataset.steps
        environment = {"env_name": str(dataset.meta.get("task", "")), "type": 1, "env_kwargs": {}}
        data.attrs["env_args"] = json.dumps(environment)
        data.attrs["robot_rl"] = json.dumps(describe(dataset))
        masks: dict[str, list[bytes]] = {}
        for i, episode in export.episodes():
            _write_demo(data.create_group(f"demo_{i}"), episode, dataset.spec)
            masks.setdefault(episode.outcome, []).append(f"demo_{i}".encode())
        for outcome, names in masks.items():
            file[f"mask/{outcome}"] = np.array(names)


def _write_demo(demo: Any, episode: Episode, spec: Spec) -> None:  # noqa: ANN401  (h5py is optional)
    demo.attrs["num_samples"] = len(episode)
    for name, rows in episode.obs.items():
        _copy(demo, f"obs/{name}", rows, 0)
        _copy(demo, f"next_obs/{name}", rows, 1)
    columns = step_columns(episode, spec)
    demo["actions"], demo["rewards"] = columns.pop("action"), columns.pop("reward")
    demo["dones"] = (episode.terminated | episode.truncated).astype(np.int64)
    for name, column in columns.items():
        demo[f"columns/{name}"] = column
    for name in episode.streams:
        demo[f"streams/{name}/stamp"], demo[f"streams/{name}/value"] = episode.stream(name)


def read(source: Path, report: Report) -> tuple[Spec, dict[str, Any], Iterator[Incoming]]:
    """Spec, meta and episodes of an HDF5 file."""
    try:
        file = need("h5py").File(source, "r")
        demos = sorted((n for n in file["data"] if n.startswith("demo_")), key=lambda n: int(n.removeprefix("demo_")))
        side = described(file["data"].attrs.get("robot_rl"))
        spec = Spec.from_json(side["spec"]) if side else _spec(file["data"][demos[0]], report)
    except (OSError, KeyError, IndexError, ValueError):
        raise DatasetError(f"{source} is no robomimic dataset (data/demo_0/obs, actions): check the path") from None
    if side is None:
        _say_what_is_missing(file["data"][demos[0]], report)
    meta = side["meta"] if side else {"task": _environment(file)}
    return spec, meta, _episodes(file, demos, spec, side)


def _copy(group: Any, name: str, rows: Any, first: int) -> None:  # noqa: ANN401
    """Copy T rows from ``first`` on without reading all of them into memory."""
    target = group.create_dataset(name, (len(rows) - 1, *rows.shape[1:]), rows.dtype)
    for start in range(0, len(target), ROWS):
        stop = min(len(target), start + ROWS)
        target[start:stop] = rows[first + start : first + stop]


def _spec(demo: Any, report: Report) -> Spec:  # noqa: ANN401
    features = {}
    for name, rows in demo["obs"].items():
        dtype = "float32" if rows.dtype == np.float64 else rows.dtype.name
        if rows.dtype == np.float64:
            report.lost[name] = "double precision: our vectors have single precision"
        features[name] = Feature(tuple(rows.shape[1:]) or (1,), dtype)
    report.assumed["rate"] = "20 Hz, robosuite's; the file does not say"
    return Spec(observation=features, action_dim=int(demo["actions"].shape[1]), rate=20.0)


def _environment(file: Any) -> str:  # noqa: ANN401
    try:
        return str(json.loads(file["data"].attrs["env_args"])["env_name"])
    except (KeyError, ValueError):
        return ""


def _say_what_is_missing(demo: Any, report: Report) -> None:  # noqa: ANN401
    known = {"obs", "next_obs", "actions", "rewards", "dones", "columns"}
    report.lost |= {name: "no column of ours holds it" for name in demo if name not in known}
    report.assumed |= {
        "proposal": "the action",
        "stamp": "the step's number over the rate",
        "source": "a person",
        "success": "a reward above 0 at the last step",
        "ledger": "empty: no energy was measured",
    }


def _episodes(file: Any, demos: list[str], spec: Spec, side: dict[str, Any] | None) -> Iterator[Incoming]:  # noqa: ANN401
    with file:
        for i, name in enumerate(demos):
            demo = file["data"][name]
            columns = {k: v[()] for k, v in demo["columns"].items()} if "columns" in demo else {}
            columns["action"] = demo["actions"][()].astype(np.float32)
            if "rewards" in demo:
                columns["reward"] = demo["rewards"][()].astype(np.float32)
            facts: dict[str, Any] = {}
            if side:
                facts = {"outcome": side["episodes"][i]["outcome"], "meta": side["episodes"][i]["meta"]}
            else:
                columns |= _ends(demo, columns)
            streams = {k: (v["stamp"][()], v["value"][()]) for k, v in demo.get("streams", {}).items()} if side else {}
            yield Incoming(rows=_rows(demo, spec), columns=columns, streams=streams, **facts)


def _ends(demo: Any, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Success and the kind of the end, from rewards and ``dones``: a reward at the last step means success."""
    last = np.arange(len(columns["action"])) == len(columns["action"]) - 1
    success = last & (columns.get("reward", np.zeros(len(last))) > 0)
    done = demo["dones"][()].astype(np.bool_) if "dones" in demo else last
    return {"success": success, "terminated": success, "truncated": last & done & ~success}


def _rows(demo: Any, spec: Spec) -> Iterator[dict[str, np.ndarray]]:  # noqa: ANN401
    steps = len(demo["actions"])
    parts = [("obs", t) for t in range(steps)] + ([("next_obs", steps - 1)] if "next_obs" in demo else [])
    for part, t in parts:
        yield {
            name: np.asarray(demo[part][name][t], feature.dtype).reshape(feature.shape)
            for name, feature in spec.observation.items()
        }
