"""What a LeRobotDataset v3.0 says of its columns: names, types, statistics, tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.spec import Feature, Spec
from robot_rl.data.formats.columns import is_image
from robot_rl.data.formats.needs import need
from robot_rl.data.layout import LEDGER, Layout
from robot_rl.data.statistics import QUANTILES

RENAMED: Final = {
    **{name: f"next.{name}" for name in ("reward", "success", "terminated", "truncated")},
    **{name: f"ledger.{name}" for name, _ in LEDGER},
}
"""Our column -> its name there; the others keep theirs."""
OWN: Final = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns that LeRobot adds itself."""
CHUNK: Final = 1000
"""Files per folder."""
FILE_SIZE: Final = 100
"""Of a table [MB]."""
DATA: Final = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO: Final = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
SAMPLED: Final = 16
"""Images per episode that its statistics are made from."""


def features(spec: Spec) -> dict[str, Feature]:
    """Name there -> feature, of all columns but LeRobot's own."""
    columns = {RENAMED.get(name, name): feature for name, feature in Layout(spec).step_columns.items()}
    return {**spec.observation, **columns, "next.done": Feature((), "bool")}


def info_feature(feature: Feature, images: str) -> dict[str, Any]:
    """A feature as ``info.json`` describes it; what is no vector is stored as one."""
    if is_image(feature):
        kind = "image" if images == "png" else "video"
        return {"dtype": kind, "shape": list(feature.shape), "names": ["height", "width", "channels"]}
    size = int(np.prod(feature.shape, dtype=np.int64))
    return {"dtype": feature.dtype, "shape": [size], "names": None}


def arrow_type(feature: Feature) -> Any:  # noqa: ANN401  (pyarrow is optional)
    """Type of a column of a table."""
    pa = need("pyarrow")
    if is_image(feature):
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    size = int(np.prod(feature.shape, dtype=np.int64))
    scalar = pa.from_numpy_dtype(np.dtype(feature.dtype))
    return scalar if size == 1 else pa.list_(scalar, size)


def arrow_column(rows: NDArray, feature: Feature) -> Any:  # noqa: ANN401
    """A column of a table; images are compressed without loss."""
    pa = need("pyarrow")
    if is_image(feature):
        return pa.array([{"bytes": png(image), "path": None} for image in rows], arrow_type(feature))
    flat = np.ascontiguousarray(rows).reshape(-1)
    if len(flat) == len(rows):
        return pa.array(flat, arrow_type(feature))
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=arrow_type(feature))


def png(image: NDArray[np.uint8]) -> bytes:
    """A PNG of an image (H, W, 3)."""
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def from_png(content: bytes) -> NDArray[np.uint8]:
    """The image (H, W, 3) of a PNG, or of any other picture file."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def describe(rows: NDArray, feature: Feature) -> dict[str, list]:
    """Statistics of a column, in LeRobot's shapes: vectors (n,), images (3, 1, 1) of values in [0, 1]."""
    count = len(rows)
    if is_image(feature):
        chosen = rows[np.unique(np.linspace(0, count - 1, SAMPLED).astype(int))]
        values, count = chosen.reshape(-1, 3) / 255.0, len(chosen)
    else:
        values = rows.reshape(count, -1).astype(np.float64)
    found = {"min": values.min(0), "max": values.max(0), "mean": values.mean(0), "std": values.std(0)}
    found |= dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values()), axis=0), strict=True))
    return {k: _shaped(v, feature) for k, v in found.items()} | {"count": [count]}


def describe_all(statistics: Mapping[str, Any], spec: Spec, frames: int) -> dict[str, dict[str, list]]:
    """Statistics of the whole dataset from our own."""
    found = {}
    for name, feature in Layout(spec).arrays.items():
        if name in statistics:
            scale = 255.0 if is_image(feature) else 1.0
            keys = ("min", "max", "mean", "std", *QUANTILES)
            values = {key: np.asarray(getattr(statistics[name], key)) / scale for key in keys}
            shaped = {key: _shaped(value, feature) for key, value in values.items()}
            found[RENAMED.get(name, name)] = {**shaped, "count": [frames]}
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain types; numbers that are not finite become null, which JSON has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=4, ensure_ascii=False), encoding="utf-8")


def write_tasks(path: Path, tasks: list[str]) -> None:
    """``tasks.parquet``: a pandas table with the task as its index."""
    pa, pq = need("pyarrow"), need("pyarrow.parquet")
    index = "__index_level_0__"
    kinds = {"task_index": ("int64", "int64"), index: ("unicode", "object")}
    columns = [
        {"name": None if n == index else n, "field_name": n, "pandas_type": p, "numpy_type": t, "metadata": None}
        for n, (p, t) in kinds.items()
    ]
    metadata = {"index_columns": [index], "column_indexes": [], "columns": columns, "pandas_version": "2.0.0"}
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), index: pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(metadata)}), path)


def _shaped(values: NDArray, feature: Feature) -> list:
    finite = np.where(np.isfinite(values), values, 0.0)
    return finite.reshape(3, 1, 1).tolist() if is_image(feature) else finite.reshape(-1).tolist()
