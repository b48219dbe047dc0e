"""Datasets of episodes on disk: create, open, recover, read."""

from __future__ import annotations

import difflib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Spec
from robot_rl.data.commit import checksums, publish, scan
from robot_rl.data.episode import Episode, load_episode
from robot_rl.data.layout import DATASET_FILE, EPISODES, SCHEMA, STAGING, Layout, replace_file


def create(root: Path, spec: Spec, meta: Mapping[str, str | int | float | bool]) -> None:
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

    def __len__(self) -> int:
        return len(self.index)

    @property
    def steps(self) -> int:
        """Steps of all episodes together."""
        return sum(int(entry["steps"]) for entry in self.index)

    def episode(self, i: int) -> Episode:
        """The ``i``-th episode (not its number: discarded episodes leave no gap here)."""
        if not -len(self) <= i < len(self):
            raise DatasetError(f"{self.root} has {len(self)} episodes, there is no episode {i}")
        return load_episode(Path(self.index[i]["path"]), self.spec, self.index[i])

    def episodes(self) -> Iterator[Episode]:
        """All episodes, in the order in which they were recorded."""
        return (self.episode(i) for i in range(len(self)))

    def verify(self) -> list[Path]:
        """Read every file again; returns the episodes that are not what was recorded."""
        layout, bad = Layout(self.spec), list(self.damaged)
        for entry in self.index:
            try:
                intact = checksums(entry["path"], layout) == entry["crc32"]
            except OSError:
                intact = False
            bad += [] if intact else [entry["path"]]
        return bad


def open_dataset(root: Path) -> Dataset:
    """Open a dataset for reading; first recovers what a killed recorder left, unless a recorder is at work."""
    root = Path(root)
    description = _describe(root)
    spec = Spec.from_json(description["spec"])
    _recover_if_free(root)
    index, damaged = _list_episodes(root)
    return Dataset(root=root, spec=spec, meta=description["meta"], index=index, damaged=damaged)


def recover(root: Path) -> list[Path]:
    """Turn the episodes that a killed recorder left open into committed ones (outcome ``interrupted``).

    Only what was not yet written of them is lost. ``DatasetError`` while a recorder is at work.

    Returns:
        Folders of the recovered episodes.
    """
    with lock(root):
        return recover_locked(root, Layout(Spec.from_json(_describe(root)["spec"])))


def recover_locked(root: Path, layout: Layout) -> list[Path]:
    """``recover`` for a caller who holds the dataset's lock."""
    recovered = []
    staging = root / STAGING
    for folder in sorted(staging.iterdir(), key=lambda f: f.stat().st_mtime) if staging.exists() else ():
        try:
            path = publish(root, folder, layout, scan(folder, layout, check=True), next_number(root))
        except OSError as error:
            raise DatasetError(f"{folder}: cannot be recovered ({error.strerror}): free space, open again") from None
        recovered += [] if path is None else [path]
    return recovered


def lock(root: Path) -> IO[bytes]:
    """Take the lock that one recorder holds; closing the returned file, or the end of the process, gives it back."""
    try:
        file = open(root / ".lock", "ab")
    except OSError as error:
        raise DatasetError(f"{root}: cannot write ({error.strerror}): choose another folder") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise DatasetError(f"{root} is being recorded by another process: wait for it, or record elsewhere") from None
    return file


def next_number(root: Path) -> int:
    """The number of the next episode; numbers are never given twice while their episode exists."""
    numbers = [int(name[2:8]) for name in os.listdir(root / EPISODES) if name[:2] == "ep" and name[2:8].isdigit()]
    return max(numbers, default=-1) + 1


def open_spec(root: Path) -> Spec:
    """The spec of the dataset at ``root``."""
    return Spec.from_json(_describe(root)["spec"])


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
    if schema != SCHEMA:
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


def _recover_if_free(root: Path) -> None:
    staging = root / STAGING
    if not staging.exists() or not any(staging.iterdir()) or not os.access(root, os.W_OK):
        return
    try:
        recover(root)
    except DatasetError:
        return


def _list_episodes(root: Path) -> tuple[tuple[Mapping[str, Any], ...], tuple[Path, ...]]:
    index, damaged = [], []
    for path in sorted((root / EPISODES).iterdir()):
        try:
            attributes = json.loads((path / "zarr.json").read_text())["attributes"]
            index.append({**attributes, "path": path, "steps": int(attributes["steps"])})
        except (OSError, ValueError, KeyError, TypeError):
            damaged.append(path)
    return tuple(index), tuple(damaged)
