"""Reads a LeRobotDataset v3.0 without LeRobot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.formats.columns import Incoming, described, is_image
from robot_rl.data.formats.lerobot_tables import OWN, RENAMED, from_png
from robot_rl.data.formats.needs import need
from robot_rl.data.formats.report import Report
from robot_rl.data.formats.video import decode
from robot_rl.data.layout import Layout

SIDE: Final = "meta/robot_rl.json"
"""What an export of ours carries along."""
FINAL: Final = "meta/robot_rl_final.parquet"
"""The observations after the last steps, one row per episode."""


def read(source: Path, report: Report) -> tuple[Spec, dict[str, Any], Iterator[Incoming]]:
    """Spec, meta and episodes of a LeRobotDataset."""
    pq = need("pyarrow.parquet")
    try:
        info = json.loads((source / "meta/info.json").read_text(encoding="utf-8"))
        lines = [row for file in sorted(source.glob("meta/episodes/*/*.parquet")) for row in _lines(pq, file)]
        tasks = pq.read_table(source / "meta/tasks.parquet").to_pydict()
    except (OSError, ValueError):
        raise DatasetError(f"{source} is no LeRobotDataset (meta/info.json, meta/episodes): check the path") from None
    if not str(info.get("codebase_version", "")).startswith("v3"):
        found = info.get("codebase_version", "no version")
        raise DatasetError(f"{source} is {found}, not v3.0: convert it with lerobot's convert_dataset_v21_to_v30 first")
    side = described((source / SIDE).read_text(encoding="utf-8") if (source / SIDE).exists() else None)
    spec = Spec.from_json(side["spec"]) if side else _spec(info, report)
    meta = side["meta"] if side else {"task": str(next(iter(tasks.get("__index_level_0__", [""])), ""))}
    reader = _Reader(source, info, spec, side)
    return spec, meta, reader.episodes(sorted(lines, key=lambda line: line["episode_index"]))


def _lines(pq: Any, file: Path) -> list[dict[str, Any]]:  # noqa: ANN401  (pyarrow is optional)
    names = [name for name in pq.read_schema(file).names if not name.startswith("stats/")]
    return pq.read_table(file, columns=names).to_pylist()


def _spec(info: dict[str, Any], report: Report) -> Spec:
    features = {}
    for name, feature in info["features"].items():
        if name in OWN or name == "action" or name.startswith("next."):
            continue
        if not name.startswith("observation") or feature["dtype"] == "string":
            report.lost[name] = "no observation and no column of ours"
            continue
        shape = tuple(feature["shape"])
        if feature["dtype"] in ("image", "video"):
            order = feature.get("names") or ["height", "width", "channels"]
            features[name] = Feature((*shape[1:], shape[0]) if order[0].startswith("channel") else shape, "uint8")
        else:
            features[name] = Feature(shape, "float32" if feature["dtype"] == "float64" else feature["dtype"])
            if feature["dtype"] == "float64":
                report.lost[name] = "double precision: our vectors have single precision"
    _assume(info, report)
    return Spec(observation=features, action_dim=int(info["features"]["action"]["shape"][0]), rate=float(info["fps"]))


def _assume(info: dict[str, Any], report: Report) -> None:
    has = info["features"]
    report.assumed |= {
        "proposal": "the action",
        "source": "a person",
        "stamp": "the step's number over the rate, as in the source",
        "ledger": "empty: no energy was measured",
    }
    report.assumed |= {} if "next.reward" in has else {"reward": "0"}
    report.assumed |= {} if "next.success" in has else {"outcome": "unlabeled"}


class _Reader:
    """Episodes of one dataset."""

    def __init__(self, root: Path, info: dict[str, Any], spec: Spec, side: dict[str, Any] | None) -> None:
        self.root, self.info, self.spec, self.side = root, info, spec, side
        self.videos = [n for n, f in info["features"].items() if f["dtype"] == "video" and n in spec.observation]
        names = set(info["features"]) - set(self.videos)
        self.columns = {n: RENAMED.get(n, n) for n in Layout(spec).step_columns if RENAMED.get(n, n) in names}
        self.finals = need("pyarrow.parquet").read_table(root / FINAL) if side and (root / FINAL).exists() else None

    def episodes(self, lines: list[dict[str, Any]]) -> Iterator[Incoming]:
        """All episodes, one at a time in memory, their images row by row."""
        for line in lines:
            table = self._table(line)
            columns = {n: self._array(table, there, Layout(self.spec).arrays[n]) for n, there in self.columns.items()}
            facts: dict[str, Any] = {"meta": {"instruction": line["tasks"][0]} if line.get("tasks") else {}}
            if self.side:
                known = self.side["episodes"][line["episode_index"]]
                facts = {"outcome": known["outcome"], "meta": known["meta"]}
            elif "success" not in columns:
                columns.setdefault("truncated", np.arange(table.num_rows) == table.num_rows - 1)
                facts["outcome"] = "unlabeled"
            else:
                columns.setdefault("terminated", columns["success"])
            yield Incoming(rows=self._rows(table, line), columns=columns, **facts)

    def _table(self, line: dict[str, Any]) -> Any:  # noqa: ANN401
        pq = need("pyarrow.parquet")
        place = {"chunk_index": line["data/chunk_index"], "file_index": line["data/file_index"]}
        path = self.root / self.info["data_path"].format(**place)
        wanted = [*self.columns.values(), *(n for n in self.spec.observation if n not in self.videos), "frame_index"]
        try:
            table = pq.read_table(path, columns=wanted, filters=[("episode_index", "=", line["episode_index"])])
        except (OSError, ValueError):  # what pyarrow raises derives from both
            raise DatasetError(f"{path} cannot be read: its recorder did not finish it, copy it again") from None
        if table.num_rows != line["length"]:
            number = line["episode_index"]
            raise DatasetError(f"{path}: episode {number} has {table.num_rows} rows of {line['length']}: it is torn")
        return table.sort_by("frame_index")

    def _rows(self, table: Any, line: dict[str, Any]) -> Iterator[dict[str, NDArray]]:  # noqa: ANN401
        frames = {name: self._decode(name, line) for name in self.videos}
        kept = {n: f for n, f in self.spec.observation.items() if n not in self.videos}
        vectors = {n: self._array(table, n, f) for n, f in kept.items() if not is_image(f)}
        images = [n for n in kept if n not in vectors]
        for t in range(table.num_rows):
            obs = {name: rows[t] for name, rows in vectors.items()}
            obs |= {name: from_png(table.column(name)[t]["bytes"].as_py()) for name in images}
            yield obs | {name: next(source) for name, source in frames.items()}
        if self.finals is not None:
            yield self._final(self.finals.slice(line["episode_index"], 1))

    def _final(self, row: Any) -> dict[str, NDArray]:  # noqa: ANN401
        return {
            name: from_png(row.column(name)[0]["bytes"].as_py()) if is_image(f) else self._array(row, name, f)[0]
            for name, f in self.spec.observation.items()
        }

    def _array(self, table: Any, name: str, feature: Feature) -> NDArray:  # noqa: ANN401
        column = table.column(name).combine_chunks()
        while hasattr(column, "flatten") and column.type.num_fields:
            column = column.flatten()
        values = column.to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(values, feature.dtype).reshape(table.num_rows, *feature.shape)

    def _decode(self, name: str, line: dict[str, Any]) -> Iterator[NDArray[np.uint8]]:
        place = {"chunk_index": line[f"videos/{name}/chunk_index"], "file_index": line[f"videos/{name}/file_index"]}
        path = self.root / self.info["video_path"].format(video_key=name, **place)
        return decode(path, line[f"videos/{name}/from_timestamp"], line["length"], float(self.info["fps"]))
