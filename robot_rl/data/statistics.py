"""Statistics of every feature of a dataset, kept up to date as episodes come and go.

Count, range, mean and spread come from each episode's own summary, written when it was committed, and add up exactly.
Quantiles of images come from counts of every value and are exact too; those of other features come from a histogram
in the index (``robot_rl.data.sketch``), to which an episode is added once, and from which it is taken when it goes.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Array
from robot_rl.core.spec import Feature
from robot_rl.data.digest import digest
from robot_rl.data.episode import read_column
from robot_rl.data.index import connect
from robot_rl.data.layout import EPISODES, Layout
from robot_rl.data.sketch import Sketch, nothing
from robot_rl.data.summary import Summary, as_rows, is_image

QUANTILES: Final = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FeatureStatistics:
    """Of one feature over all rows; arrays are (D,): the length of a vector, the channels of an image, else 1."""

    count: int
    """Rows; of an image its pixels."""
    min: Array
    max: Array
    mean: Array
    std: Array
    """Standard deviation (divided by ``count``)."""
    q01: Array
    q10: Array
    q50: Array
    q90: Array
    q99: Array
    """Quantiles: exact for images, else within 0.4 % of the number of that rank."""


def statistics(root: Path, entries: Sequence[Entry], layout: Layout) -> dict[str, FeatureStatistics]:
    """Statistics of every array over the episodes ``entries``."""
    parts = _parts(root, entries, layout)
    names = [name for name in layout.arrays if parts and all(name in part for part in parts)]
    sketches = _sketches(root, entries, layout)
    result = {}
    for name in names:
        if is_image(layout.arrays[name]):
            result[name] = _of_image([np.array(part[name]["counts"], np.int64) for part in parts])
        else:
            summary = reduce(Summary.__add__, (Summary.from_json(part[name]) for part in parts))
            result[name] = _of_vector(summary, sketches[name])
    return result


def _of_image(parts: Iterable[NDArray[np.int64]]) -> FeatureStatistics:
    counts = np.sum(list(parts), axis=0)
    upto, total = np.cumsum(counts, axis=1), int(counts[0].sum())
    quantiles = {k: (upto <= int(q * (total - 1))).sum(axis=1).astype(np.float64) for k, q in QUANTILES.items()}
    return _collect(Summary.of_counts(counts), quantiles)


def _of_vector(summary: Summary, sketch: Sketch) -> FeatureStatistics:
    quantiles = {name: sketch.quantile(q, len(summary.mean)) for name, q in QUANTILES.items()}
    return _collect(summary, {name: np.clip(q, summary.low, summary.high) for name, q in quantiles.items()})


def _collect(summary: Summary, quantiles: Mapping[str, Array]) -> FeatureStatistics:
    moments = {"min": summary.low, "max": summary.high, "mean": summary.mean, "std": summary.std}
    return FeatureStatistics(count=summary.count, **moments, **quantiles)


def _parts(root: Path, entries: Sequence[Entry], layout: Layout) -> list[dict[str, Any]]:
    """What each episode says of itself; one that an older program recorded is read whole."""
    known: dict[str, str] = {}
    with contextlib.suppress(sqlite3.Error), connect(root) as index:
        known = dict(index.execute("SELECT name, statistics FROM episodes"))
    parts = []
    for entry in entries:
        text = known.get(entry["path"].name)
        part = json.loads(text) if text else _attributes(entry["path"]).get("statistics", {})
        parts.append(part or {k: digest(f, read_column(entry, k, layout)).statistics for k, f in layout.arrays.items()})
    return parts


def _attributes(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text())["attributes"]


def _sketches(root: Path, entries: Sequence[Entry], layout: Layout) -> dict[str, Sketch]:
    """Histograms of all features that are not images, brought up to date in the index."""
    features = {name: f for name, f in layout.arrays.items() if not is_image(f)}
    wanted = {entry["path"].name: entry for entry in entries}
    sketches, counted = _stored(root, features)
    gone = {name: {"path": root / EPISODES / name} for name in counted - wanted.keys()}
    if gone and not all((entry["path"] / "zarr.json").exists() for entry in gone.values()):
        sketches, counted, gone = dict.fromkeys(features, nothing()), set(), {}
    changes = [(wanted[name], 1) for name in wanted.keys() - counted]
    changes += [({**_attributes(entry["path"]), **entry}, -1) for entry in gone.values()]
    for entry, sign in changes:
        for name, feature in features.items():
            rows = as_rows(feature, np.asarray(read_column(entry, name, layout)))
            sketches[name] = sketches[name].add(Sketch.of(rows), sign)
    if changes:
        _store(root, sketches, set(wanted))
    return sketches


def _stored(root: Path, features: Mapping[str, Feature]) -> tuple[dict[str, Sketch], set[str]]:
    empty = dict.fromkeys(features, nothing())
    try:
        with connect(root) as index:
            rows = index.execute("SELECT feature, keys, counts FROM sketches").fetchall()
            counted = {name for (name,) in index.execute("SELECT name FROM counted")}
    except sqlite3.Error:
        return empty, set()
    found = {f: Sketch(np.frombuffer(k, np.uint32), np.frombuffer(c, np.int64)) for f, k, c in rows}
    return (empty, set()) if found.keys() != features.keys() else (found, counted)


def _store(root: Path, sketches: Mapping[str, Sketch], counted: set[str]) -> None:
    rows = [(name, sketch.keys.tobytes(), sketch.counts.tobytes()) for name, sketch in sketches.items()]
    with contextlib.suppress(sqlite3.Error), connect(root) as index:
        index.executemany("INSERT OR REPLACE INTO sketches VALUES (?, ?, ?)", rows)
        index.execute("DELETE FROM counted")
        index.executemany("INSERT INTO counted VALUES (?)", [(name,) for name in counted])
