"""What a dataset holds, from its index alone: a thousand episodes are told in less than a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from robot_rl.data.dataset import Dataset
from robot_rl.data.index import list_episodes
from robot_rl.data.layout import Layout, chunk_file, row_bytes
from robot_rl.data.ledger import ATTRIBUTE, Ledger
from robot_rl.data.recovery import LOST
from robot_rl.data.streams import STREAMS

ABOUT = ("instruction", "task", "operator", "device", "station", "labelled_by")
"""What episodes say of themselves that is worth counting."""
COUNTS = ("late_steps", "missed_steps", "stale_images", "stale_states", "interventions")
"""What whoever recorded an episode counted."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Facts about all episodes together."""

    root: str
    version: int
    """Edits that it has seen."""
    last_edit: str
    meta: Mapping[str, Any]
    rate: float
    """Steps per second that were meant [Hz]."""
    episodes: int
    hidden: int
    """Episodes on disk that edits took out."""
    archived: int
    """Episodes that are compressed."""
    steps: int
    longest: int
    """Steps of the longest episode."""
    shortest: int
    bytes: int
    """Size of the arrays [B]."""
    outcomes: Mapping[str, int]
    about: Mapping[str, Mapping[str, int]]
    """``ABOUT`` -> value -> number of episodes; what no episode says is left out."""
    features: Mapping[str, str]
    """Name -> shape and type of a row."""
    streams: Mapping[str, int]
    """Signals faster than the steps -> number of episodes that have them."""
    late: int
    """Steps that came more than a quarter of a period late."""
    missing: int
    """Steps that are missing between others."""
    gap: float
    """Longest time between two steps [s]."""
    ledger: Ledger
    """Who acted, and how old and how late everything was, of the episodes that say so."""
    counted: Mapping[str, int]
    """``COUNTS`` -> sum over the episodes."""
    recovery: tuple[str, ...]
    """What was recovered or lost when a recorder was killed, in words."""
    damaged: tuple[str, ...]
    """Folders that are no episodes."""

    @property
    def seconds(self) -> float:
        """How long all episodes last together at the rate that was meant [s]."""
        return self.steps / self.rate


def overview(dataset: Dataset) -> Overview:
    """Look at a dataset without reading its arrays."""
    index, layout = dataset.index, Layout(dataset.spec)
    lengths = [int(entry["steps"]) for entry in index]
    timing = [entry.get("timing", {}) for entry in index]
    on_disk = len(list_episodes(dataset.root).entries)
    return Overview(
        root=str(dataset.root),
        version=dataset.version,
        last_edit=str(dataset.history[-1]) if dataset.history else "",
        meta=dataset.meta,
        rate=dataset.spec.rate,
        episodes=len(index),
        hidden=on_disk - len(index),
        archived=sum(bool(entry.get("archived")) for entry in index),
        steps=sum(lengths),
        longest=max(lengths, default=0),
        shortest=min(lengths, default=0),
        bytes=sum(_size(entry, layout) for entry in index),
        outcomes=_count(entry["outcome"] for entry in index),
        about={key: found for key in ABOUT if (found := _count(e["meta"].get(key) or "" for e in index)).keys() - {""}},
        features={name: f"{feature.dtype} {list(feature.shape)}" for name, feature in layout.arrays.items()},
        streams=_count(name for entry in index for name in entry.get(STREAMS, {})),
        late=sum(int(t.get("late", 0)) for t in timing),
        missing=sum(int(t.get("missing", 0)) for t in timing),
        gap=max((float(t.get("gap", 0.0)) for t in timing), default=0.0),
        ledger=Ledger.of(entry[ATTRIBUTE] for entry in index if ATTRIBUTE in entry),
        counted={key: sum(int(entry["meta"].get(key) or 0) for entry in index) for key in COUNTS},
        recovery=tuple(recovery(dataset)),
        damaged=tuple(str(path) for path in dataset.damaged),
    )


def recovery(dataset: Dataset) -> list[str]:
    """What killed recorders left: now, and ever since the dataset began."""
    said = [str(found) for found in dataset.recovered]
    now = {found.uuid for found in dataset.recovered}
    for entry in dataset.index:
        if "recovered" in entry and entry["uuid"] not in now:
            kept = entry["recovered"]
            said.append(f"{entry['path'].name}: recovered earlier with {kept['steps']} steps, {kept['lost']} lost")
    aside = dataset.root / LOST
    if aside.is_dir():
        said.append(f"{aside} holds what could not be read of {len(list(aside.iterdir()))} open episodes")
    return said + [dataset.left_open] * bool(dataset.left_open)


def _count(values: Iterable[Any]) -> dict[str, int]:
    return {str(value): number for value, number in Counter(values).most_common()}


def _size(entry: Mapping[str, Any], layout: Layout) -> int:
    steps, packed = int(entry["steps"]), layout.large if entry.get("archived") else {}
    plain = sum(layout.rows(k, steps) * row_bytes(f) for k, f in layout.arrays.items() if k not in packed)
    return plain + sum(chunk_file(entry["path"], name, feature).stat().st_size for name, feature in packed.items())
