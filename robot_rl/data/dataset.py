"""Datasets of episodes on disk: create, open, recover, read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Spec
from robot_rl.data.episode import Episode, load_episode
from robot_rl.data.files import crc32, replace_file, sha256
from robot_rl.data.index import list_episodes, read_attributes
from robot_rl.data.layout import DATASET_FILE, EPISODES, READABLE, SCHEMA, Layout, Meta, chunk_file
from robot_rl.data.lock import lock
from robot_rl.data.recovery import Recovery, recover_if_free, recover_locked
from robot_rl.data.statistics import FeatureStatistics, statistics
from robot_rl.data.streams import stream_arrays
from robot_rl.data.versions import Edit, apply, read_edits


def create(root: Path, spec: Spec, meta: Meta) -> None:
    """Make an empty dataset; ``DatasetError`` if there is one already.

    Args:
        root: Its folder, made with its parents.
        spec: What its observations and actions look like.
        meta: Free facts about it (task, station, operator).
    """
    Layout(spec)
    root = Path(root)
    if (root / DATASET_FILE).exists():
        raise DatasetError(f"{root} is a dataset already: choose another folder, or add episodes to it")
    try:
        (root / EPISODES).mkdir(parents=True, exist_ok=True)
        description = {"schema": SCHEMA, "spec": spec.to_json(), "meta": dict(meta)}
        replace_file(root / DATASET_FILE, json.dumps(description, indent=2).encode())
    except OSError as error:
        raise DatasetError(f"{root}: cannot write ({error.strerror}): choose another folder") from None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The committed episodes of a dataset, as they were when it was opened."""

    root: Path
    spec: Spec
    meta: Mapping[str, Any]
    index: tuple[Mapping[str, Any], ...]
    """Attributes of the episodes, in the order of their numbers; ``path`` is added."""
    damaged: tuple[Path, ...]
    """Folders among the episodes that are not episodes; they are left out."""
    history: tuple[Edit, ...] = ()
    """The edits that made it what it is, oldest first."""
    recovered: tuple[Recovery, ...] = ()
    """Episodes that a killed recorder had left open and that opening the dataset completed."""
    left_open: str = ""
    """Why an open episode was left as it is; usually because it is being recorded."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def version(self) -> int:
        """How many edits it has seen."""
        return len(self.history)

    @property
    def steps(self) -> int:
        """Steps of all episodes together."""
        return sum(int(entry["steps"]) for entry in self.index)

    def episode(self, i: int) -> Episode:
        """The ``i``-th episode (not its number: discarded episodes leave no gap here)."""
        if not -len(self) <= i < len(self):
            raise DatasetError(f"{self.root} has {len(self)} episodes, there is no episode {i}")
        entry = self.index[i]
        try:
            return load_episode(entry["path"], self.spec, entry)
        except DatasetError:
            present = read_attributes(entry["path"])
            if present.get("archived") == entry.get("archived"):
                raise
            return load_episode(entry["path"], self.spec, {**entry, "archived": present.get("archived")})

    def episodes(self) -> Iterator[Episode]:
        """All episodes, in the order in which they were recorded."""
        return (self.episode(i) for i in range(len(self)))

    def statistics(self) -> dict[str, FeatureStatistics]:
        """Count, range, mean, spread and quantiles of every array; each episode is read for it only once ever."""
        return statistics(self.root, self.index, Layout(self.spec))

    def verify(self) -> list[Path]:
        """Read every file again; returns the episodes that are not what was recorded."""
        bad = [entry["path"] for entry in self.index if not _intact(entry, Layout(self.spec))]
        return [*self.damaged, *bad]


def _intact(entry: Mapping[str, Any], layout: Layout) -> bool:
    sums = entry.get("sha256") or entry.get("crc32", {})
    checksum = sha256 if "sha256" in entry else crc32
    arrays = {**layout.arrays, **stream_arrays(entry)}
    try:
        return all(checksum(chunk_file(entry["path"], name, arrays[name])) == s for name, s in sums.items())
    except (OSError, KeyError):
        return False


def open_dataset(root: Path, version: int | None = None) -> Dataset:
    """Open a dataset for reading; first recovers what a killed recorder left, unless a recorder is at work.

    Args:
        root: Its folder.
        version: As it was after so many edits; None: after all.
    """
    root = Path(root)
    description = _describe(root)
    spec = Spec.from_json(description["spec"])
    recovered, still_open = recover_if_free(root, Layout(spec))
    listing, history = list_episodes(root), read_edits(root)[:version]
    return Dataset(
        root=root,
        spec=spec,
        meta=description["meta"],
        index=apply(listing.entries, history),
        history=tuple(history),
        damaged=listing.damaged,
        recovered=tuple(recovered),
        left_open=still_open,
    )


def recover(root: Path) -> list[Recovery]:
    """Turn the episodes that a killed recorder left open into committed ones (outcome ``interrupted``).

    Only what was not yet written of them is lost. ``DatasetError`` while a recorder is at work.

    Returns:
        What became of each.
    """
    layout = Layout(open_spec(root))
    with lock(root):
        return recover_locked(root, layout)


def open_spec(root: Path) -> Spec:
    """The spec of the dataset at ``root``."""
    return Spec.from_json(_describe(root)["spec"])


def check_spec(root: Path, spec: Spec) -> None:
    """Raise ``DatasetError`` that names the difference unless the dataset was recorded with ``spec``."""
    old, new = open_spec(root).to_json(), spec.to_json()
    if old == new:
        return
    was, now = ({**spec.pop("observation"), **spec} for spec in (old, new))
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    changed = ", ".join(f"{k} ({_brief(was.get(k))}, now {_brief(now.get(k))})" for k in names)
    what = changed or "order of the features"
    raise DatasetError(f"{root} was recorded with another {what}: record to another folder, or use the same station")


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['dtype']}{value['shape']}"
    return "none" if value is None else str(value)


def _describe(root: Path) -> dict[str, Any]:
    file = root / DATASET_FILE
    if not file.is_file():
        raise DatasetError(_not_found(root))
    try:
        description = json.loads(file.read_text())
        schema = int(description["schema"])
        Spec.from_json(description["spec"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DatasetError(f"{file} cannot be read as a dataset: restore it, or record a new dataset") from None
    if schema not in READABLE:
        raise DatasetError(f"{root} has layout version {schema}, this program reads {SCHEMA}: use the newer program")
    return description


def _not_found(root: Path) -> str:
    if root.exists():
        return f"{root} is not a dataset (it has no {DATASET_FILE}): give the folder that 'robot-rl collect' wrote"
    folder = root.parent
    near = [p.name for p in folder.iterdir() if (p / DATASET_FILE).exists()] if folder.is_dir() else []
    guess = difflib.get_close_matches(root.name, near, n=1, cutoff=0.0)
    hint = f"did you mean {folder / guess[0]}?" if guess else "record one with 'robot-rl collect'"
    return f"{root}: there is no such dataset; {hint}"
