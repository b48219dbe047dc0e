"""Statistics of every feature of a dataset, kept up to date as episodes come and go.

Count, range, mean and spread come from each episode's own summary, written when it was committed, and add up exactly.
Quantiles of images come from counts of every value and are exact too; those of other features come from a histogram
(``robot_rl.data.sketch``). The totals are kept in the index: an episode is added once, and taken away when it goes.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Array
from robot_rl.data.digest import digest
from robot_rl.data.episode import read_column
from robot_rl.data.index import connect
from robot_rl.data.layout import EPISODES, Layout
from robot_rl.data.sketch import Sketch, nothing
from robot_rl.data.summary import Summary, as_rows, empty, is_image

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


@dataclass
class Totals:
    """What is known of some episodes together; stored in the index."""

    counts: dict[str, NDArray[np.int64]]
    """How often each value of an image occurs, (C, 256)."""
    summaries: dict[str, Summary]
    """Of the features that are not images."""
    sketches: dict[str, Sketch]
    """Of the same."""
    counted: set[str]
    """Names of the episodes."""


def statistics(root: Path, entries: Sequence[Entry], layout: Layout) -> dict[str, FeatureStatistics]:
    """Statistics of every array over the episodes ``entries``; only those that are new are looked at."""
    totals = _brought_up_to_date(root, {entry["path"].name: entry for entry in entries}, layout)
    if not entries:
        return {}
    images = {name: _of_image(counts) for name, counts in totals.counts.items()}
    others = {name: _of_vector(summary, totals.sketches[name]) for name, summary in totals.summaries.items()}
    return {name: (images | others)[name] for name in layout.arrays}


def _brought_up_to_date(root: Path, wanted: Mapping[str, Entry], layout: Layout) -> Totals:
    totals = _load(root, layout)
    gone = [root / EPISODES / name for name in totals.counted - wanted.keys()]
    if not all((path / "zarr.json").exists() for path in gone):
        totals, gone = _nothing(layout), []
    added = [wanted[name] for name in sorted(wanted.keys() - totals.counted)]
    for entry in added:
        _take(totals, entry, _part(root, entry, layout), layout, 1)
    for path in gone:
        entry = {**_attributes(path), "path": path}
        _take(totals, entry, _part(root, entry, layout), layout, -1)
    if gone:  # the range of what is left is not known without looking
        parts = [_part(root, entry, layout) for entry in wanted.values()]
        for name in totals.summaries:
            totals.summaries[name] = reduce(
                Summary.__add__, (Summary.from_json(part[name]) for part in parts), empty(1)
            )
    if added or gone:
        totals.counted = set(wanted)
        _store(root, totals)
    return totals


def _take(totals: Totals, entry: Entry, part: Mapping[str, Any], layout: Layout, sign: int) -> None:
    """Add an episode to the totals, or take it away."""
    for name in totals.counts:
        totals.counts[name] = totals.counts[name] + sign * np.array(part[name]["counts"], np.int64)
    for name, feature in layout.arrays.items():
        if name in totals.sketches:
            rows = as_rows(feature, np.asarray(read_column(entry, name, layout)))
            totals.sketches[name] = totals.sketches[name].add(Sketch.of(rows), sign)
    if sign > 0:
        for name, summary in totals.summaries.items():
            totals.summaries[name] = summary + Summary.from_json(part[name])


def _part(root: Path, entry: Entry, layout: Layout) -> dict[str, Any]:
    """What an episode says of itself; what an older program did not write is made now."""
    text = None
    with contextlib.suppress(sqlite3.Error), connect(root) as index:
        text = index.execute("SELECT statistics FROM episodes WHERE name = ?", (entry["path"].name,)).fetchone()
    part = json.loads(text[0]) if text else _attributes(entry["path"]).get("statistics", {})
    absent = {name: f for name, f in layout.arrays.items() if name not in part}
    return part | {k: digest(f, read_column(entry, k, layout)).statistics for k, f in absent.items()}


def _of_image(counts: NDArray[np.int64]) -> FeatureStatistics:
    upto, total = np.cumsum(counts, axis=1), int(counts[0].sum())
    quantiles = {k: (upto <= int(q * (total - 1))).sum(axis=1).astype(np.float64) for k, q in QUANTILES.items()}
    return _collect(Summary.of_counts(counts), quantiles)


def _of_vector(summary: Summary, sketch: Sketch) -> FeatureStatistics:
    quantiles = {name: sketch.quantile(q, len(summary.mean)) for name, q in QUANTILES.items()}
    return _collect(summary, {name: np.clip(q, summary.low, summary.high) for name, q in quantiles.items()})


def _collect(summary: Summary, quantiles: Mapping[str, Array]) -> FeatureStatistics:
    moments = {"min": summary.low, "max": summary.high, "mean": summary.mean, "std": summary.std}
    return FeatureStatistics(count=summary.count, **moments, **quantiles)


def _attributes(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text())["attributes"]


def _nothing(layout: Layout) -> Totals:
    images = {name: f for name, f in layout.arrays.items() if is_image(f)}
    others = {name: f for name, f in layout.arrays.items() if name not in images}
    counts = {name: np.zeros((f.shape[-1], 256), np.int64) for name, f in images.items()}
    return Totals(counts, dict.fromkeys(others, empty(1)), dict.fromkeys(others, nothing()), set())


def _load(root: Path, layout: Layout) -> Totals:
    totals = _nothing(layout)
    try:
        with connect(root) as index:
            rows = index.execute("SELECT feature, keys, counts, summary FROM totals").fetchall()
            counted = {name for (name,) in index.execute("SELECT name FROM counted")}
    except sqlite3.Error:
        return totals
    if {name for name, *_ in rows} != totals.counts.keys() | totals.summaries.keys():
        return totals
    for name, keys, counts, summary in rows:
        if name in totals.counts:
            totals.counts[name] = np.frombuffer(counts, np.int64).reshape(-1, 256)
        else:
            totals.sketches[name] = Sketch(np.frombuffer(keys, np.uint32), np.frombuffer(counts, np.int64))
            totals.summaries[name] = Summary.from_json(json.loads(summary))
    totals.counted = counted
    return totals


def _store(root: Path, totals: Totals) -> None:
    rows = [(name, b"", counts.tobytes(), "") for name, counts in totals.counts.items()]
    for name, sketch in totals.sketches.items():
        summary = json.dumps(totals.summaries[name].to_json())
        rows.append((name, sketch.keys.tobytes(), sketch.counts.tobytes(), summary))
    with contextlib.suppress(sqlite3.Error), connect(root) as index:
        index.executemany("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?)", rows)
        index.execute("DELETE FROM counted")
        index.executemany("INSERT INTO counted VALUES (?)", [(name,) for name in totals.counted])
