"""Diffusion policy's replay buffer: zarr v2, ``data/<key>`` with all episodes end to end, ``meta/episode_ends``.

All but the signals that are faster than the steps fits: our columns are further keys under ``data``, the observations
after the last steps lie in ``meta`` as ``final.<key>`` (one row per episode), and what is known of the episodes is JSON
in the attribute ``robot_rl``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numcodecs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import ZipStore

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.formats.columns import Incoming, describe, described, step_columns
from robot_rl.data.formats.export import Export
from robot_rl.data.formats.report import Report
from robot_rl.data.layout import Layout

FINAL: Final = "final."
"""Prefix of the arrays in ``meta`` with the observations after the last steps."""
CHUNK: Final = 2 << 20
"""Bytes of a chunk, as diffusion policy chooses them."""
OTHERS: Final = {"img": "observation.images.camera", "state": "observation.state", "keypoint": "observation.keypoint"}
"""Names in diffusion policy's own datasets."""


class _Column:
    """An array that grows at its end, whole chunks at a time."""

    def __init__(self, group: zarr.Group, name: str, feature: Feature, rows: int) -> None:
        dtype = np.dtype(feature.dtype)
        size = max(1, int(np.prod(feature.shape, dtype=np.int64)) * dtype.itemsize)
        length = min(rows, max(1, CHUNK // size))
        codec = numcodecs.Blosc("lz4", clevel=5, shuffle=numcodecs.Blosc.NOSHUFFLE)
        shape, chunks = (rows, *feature.shape), (length, *feature.shape)
        self._array = group.create_array(name, shape=shape, chunks=chunks, dtype=dtype, compressors=codec)
        self._waiting = np.empty(chunks, dtype)
        self._count = 0
        self._at = 0

    def add(self, rows: NDArray) -> None:
        """Append rows."""
        while len(rows):
            part = rows[: len(self._waiting) - self._count]
            self._waiting[self._count : self._count + len(part)] = part
            self._count += len(part)
            rows = rows[len(part) :]
            if self._count == len(self._waiting):
                self.flush()

    def flush(self) -> None:
        """Write what waits for its chunk to be full."""
        if self._count:
            self._array[self._at : self._at + self._count] = self._waiting[: self._count]
            self._at += self._count
            self._count = 0


def write(export: Export) -> None:
    """Write a dataset to a zarr v2 folder."""
    export.lose_streams()
    dataset, spec = export.dataset, export.dataset.spec
    root = zarr.open_group(export.place, mode="w", zarr_format=2)
    root.attrs["robot_rl"] = json.dumps(describe(dataset))
    data, meta = root.create_group("data"), root.create_group("meta")
    features = Layout(spec).arrays
    columns = {name: _Column(data, name, feature, dataset.steps) for name, feature in features.items()}
    finals = {name: _Column(meta, FINAL + name, f, len(dataset)) for name, f in spec.observation.items()}
    ends = _Column(meta, "episode_ends", Feature((), "int64"), len(dataset))
    total = 0
    for _, episode in export.episodes():
        for name, rows in {**step_columns(episode, spec), **{k: v[:-1] for k, v in episode.obs.items()}}.items():
            columns[name].add(rows)
        for name, rows in episode.obs.items():
            finals[name].add(rows[-1:])
        total += len(episode)
        ends.add(np.array([total]))
    for column in (*columns.values(), *finals.values(), ends):
        column.flush()


def read(source: Path, report: Report) -> tuple[Spec, dict[str, Any], Iterator[Incoming]]:
    """Spec, meta and episodes of a zarr folder or zip file."""
    try:
        store = ZipStore(source, mode="r") if source.is_file() else source
        root: Any = zarr.open_group(store, mode="r", zarr_format=2)
        data, ends = dict(root["data"].arrays()), root["meta"]["episode_ends"][:]
        lengths = {name: array.shape[0] for name, array in data.items()}
    except (OSError, KeyError, ValueError):
        raise DatasetError(f"{source} is no diffusion policy buffer (data/action, meta/episode_ends)") from None
    if "action" not in data or any(length < ends[-1] for length in lengths.values()):
        raise DatasetError(f"{source}: its arrays are shorter than episode_ends says, or there is no action")
    side = described(root.attrs.get("robot_rl"))
    if side:
        spec = Spec.from_json(side["spec"])
        return spec, side["meta"], _ours(root, spec, side, ends)
    names = {OTHERS.get(name, name): name for name in map(str, data) if name != "action"}
    spec = _spec(data, names, report)
    return spec, {}, _theirs(data, names, spec, ends)


def _ours(root: Any, spec: Spec, side: dict[str, Any], ends: NDArray) -> Iterator[Incoming]:  # noqa: ANN401
    data, meta = root["data"], root["meta"]
    starts = [0, *ends[:-1].tolist()]
    for i, (first, last) in enumerate(zip(starts, ends.tolist(), strict=True)):
        columns = {name: np.asarray(data[name][first:last]) for name in Layout(spec).step_columns if name in data}
        parts = {name: _Blocks(data[name]) for name in spec.observation}
        final = {name: np.asarray(meta[FINAL + name][i]) for name in spec.observation}
        facts = side["episodes"][i]
        rows = _rows(parts, spec, first, last, final)
        yield Incoming(rows=rows, columns=columns, outcome=facts["outcome"], meta=facts["meta"])


def _theirs(data: dict[str, Any], names: dict[str, str], spec: Spec, ends: NDArray) -> Iterator[Incoming]:
    starts = [0, *ends[:-1].tolist()]
    for first, last in zip(starts, ends.tolist(), strict=True):
        truncated = np.arange(last - first) == last - first - 1
        columns = {"action": data["action"][first:last].astype(np.float32), "truncated": truncated}
        parts = {name: _Blocks(data[names[name]]) for name in spec.observation}
        yield Incoming(rows=_rows(parts, spec, first, last, None), columns=columns, outcome="unlabeled")


def _spec(data: dict[str, Any], names: dict[str, str], report: Report) -> Spec:
    features = {}
    for name, old in names.items():
        array = data[old]
        image = array.ndim == 4 and array.shape[-1] == 3
        features[name] = Feature(tuple(array.shape[1:]), "uint8" if image else "float32")
        if array.dtype == np.float64:
            report.lost[old] = "double precision: our vectors have single precision"
    report.assumed |= {
        "rate": "10 Hz, as in diffusion policy's own datasets; the file does not say",
        "outcome": "unlabeled",
        "reward": "0",
        "proposal": "the action",
        "source": "a person",
        "stamp": "the step's number over the rate",
        "ledger": "empty: no energy was measured",
    }
    return Spec(observation=features, action_dim=int(data["action"].shape[1]), rate=10.0)


class _Blocks:
    """Rows of a zarr array, read a chunk at a time."""

    def __init__(self, array: Any) -> None:  # noqa: ANN401
        self._array = array
        self._first = 0
        self._rows: NDArray = np.empty((0,))

    def __getitem__(self, row: int) -> NDArray:
        if not self._first <= row < self._first + len(self._rows):
            length = self._array.chunks[0]
            self._first = row // length * length
            self._rows = np.asarray(self._array[self._first : self._first + length])
        return self._rows[row - self._first]


def _rows(
    parts: dict[str, _Blocks], spec: Spec, first: int, last: int, final: dict[str, NDArray] | None
) -> Iterator[dict[str, NDArray]]:
    for row in range(first, last):
        yield {name: np.asarray(parts[name][row], feature.dtype) for name, feature in spec.observation.items()}
    if final is not None:
        yield final
