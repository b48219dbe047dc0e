"""The edits of a dataset: one small file each, written by one rename, and never changed or removed.

An episode on disk stays as it was recorded. What an edit changes about it (whether it is part of the dataset, its
outcome, its meta) stands in ``edits/000001.json``, ``edits/000002.json`` ... as pairs (before, after); the dataset is
its episodes with all edits applied in turn. An edit that needs other numbers in an array makes a new episode beside
the old one, which belongs to the dataset once the edit's file says so: until then a kill leaves the dataset as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from robot_rl.core.errors import DatasetError
from robot_rl.data.files import replace_file

EDITS: Final = "edits"
VISIBLE: Final = "visible"
"""Key of the pair that says whether an episode belongs to the dataset."""
Entry = Mapping[str, Any]
Change = dict[str, tuple[Any, Any]]
"""``visible``, ``outcome`` or ``meta`` -> its value before and after."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit: version ``version`` of the dataset is what it leaves."""

    version: int = 0
    """Its number, counted from 1; given when it is written."""
    operation: str
    summary: str
    """What was done, in words."""
    changes: Mapping[str, Change] = field(default_factory=dict)
    """Episode's uuid -> what changed about it."""
    note: str = ""
    """Why, as its author said."""
    when: str = field(default_factory=lambda: time.strftime("%FT%T%z"))
    undoes: int | None = None
    """The version that this edit takes back."""
    purged: tuple[str, ...] = ()
    """Episodes whose files are gone for good."""
    highest: int = -1
    """Largest number of an episode that had been given by then."""

    def __str__(self) -> str:
        return f"version {self.version}: {self.summary}" + (f" ({self.note})" if self.note else "")


def read_edits(root: Path) -> list[Edit]:
    """All edits, oldest first."""
    folder = root / EDITS
    files = sorted(folder.glob("[0-9]*.json")) if folder.is_dir() else []
    return [_read(file) for file in files]


def _read(file: Path) -> Edit:
    try:
        data = json.loads(file.read_text())
        changes = {u: {k: (pair[0], pair[1]) for k, pair in c.items()} for u, c in data["changes"].items()}
        return Edit(**{**data, "changes": changes, "purged": tuple(data["purged"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DatasetError(f"{file} cannot be read as an edit: restore it from a copy of the dataset") from None


def write_edit(root: Path, edit: Edit) -> None:
    """Make an edit count. When this returns it is on the disk; a kill leaves all of it or nothing."""
    (root / EDITS).mkdir(exist_ok=True)
    replace_file(root / EDITS / f"{edit.version:06d}.json", json.dumps(asdict(edit), indent=1).encode())


def fold(edits: Iterable[Edit]) -> dict[str, dict[str, Any]]:
    """What all edits together say: uuid -> values of ``visible``, ``outcome``, ``meta``."""
    state: dict[str, dict[str, Any]] = {}
    for edit in edits:
        for uuid, change in edit.changes.items():
            state.setdefault(uuid, {}).update({key: after for key, (_, after) in change.items()})
    return state


def is_visible(entry: Entry, state: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether an episode belongs to the dataset; one that an edit made does only if an edit says so."""
    return bool(state.get(entry["uuid"], {}).get(VISIBLE, "edit" not in entry))


def apply(entries: Sequence[Entry], edits: Sequence[Edit]) -> tuple[Entry, ...]:
    """The episodes that belong to the dataset after ``edits``, with the labels that they then have."""
    if not edits:
        return tuple(entry for entry in entries if "edit" not in entry)
    state = fold(edits)
    visible = [entry for entry in entries if is_visible(entry, state)]
    return tuple({**entry, **_labels(state.get(entry["uuid"], {}))} for entry in visible)


def _labels(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != VISIBLE}


def difference(edits: Sequence[Edit], version: int) -> dict[str, Change]:
    """What must change to make the dataset what it was after the first ``version`` of its edits."""
    first: dict[tuple[str, str], Any] = {}
    for edit in edits:
        for uuid, change in edit.changes.items():
            for key, (before, _) in change.items():
                first.setdefault((uuid, key), before)
    now, then = fold(edits), fold(edits[:version])
    changes: dict[str, Change] = {}
    for (uuid, key), before in first.items():
        pair = (now[uuid][key], then.get(uuid, {}).get(key, before))
        if pair[0] != pair[1]:
            changes.setdefault(uuid, {})[key] = pair
    return changes


def last_undoable(edits: Sequence[Edit]) -> Edit | None:
    """The newest edit that was not taken back."""
    undone = {edit.undoes for edit in edits}
    standing = [e for e in edits if e.undoes is None and e.version not in undone and e.operation != "purge"]
    return standing[-1] if standing else None
