"""Changes to a recorded dataset: delete, relabel, trim, split, merge; every one is a version, and can be undone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import RewardSource
from robot_rl.data import dataset
from robot_rl.data.commit import OUTCOMES
from robot_rl.data.derive import Recipe, derive, discard_group
from robot_rl.data.files import guard
from robot_rl.data.index import list_episodes
from robot_rl.data.layout import Layout, Meta
from robot_rl.data.lock import lock
from robot_rl.data.recovery import highest_number, recover_locked
from robot_rl.data.versions import (
    VISIBLE,
    Change,
    Edit,
    Entry,
    apply,
    difference,
    fold,
    is_visible,
    last_undoable,
    read_edits,
    write_edit,
)

HIDE: Final = (True, False)
SHOW: Final = (False, True)


class Editor:
    """The one editor of a dataset, who holds its lock. Episodes are named by their numbers, which never change.

    Every method is one edit: when it returns the edit is on the disk, and a kill before leaves the dataset as it was.
    """

    def __init__(self, root: Path, held: IO[bytes] | None = None) -> None:
        """Take the dataset; ``held`` is its lock if the caller has it already."""
        self.root = Path(root)
        self.layout = Layout(dataset.open_spec(self.root))
        self._lock = lock(self.root) if held is None else None
        if self._lock is not None:
            self.recovered = recover_locked(self.root, self.layout)
        self._sweep()

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the dataset back."""
        if self._lock is not None:
            self._lock.close()

    def history(self) -> list[Edit]:
        """All edits, oldest first."""
        return read_edits(self.root)

    def delete(self, numbers: Iterable[int], note: str = "") -> Edit:
        """Take episodes out of the dataset. Their files stay until ``purge``."""
        entries = [self._find(number) for number in numbers]
        changes = {entry["uuid"]: {VISIBLE: HIDE} for entry in entries}
        return self._commit("delete", f"deleted {_names(entries)}", changes, note)

    def relabel(
        self, numbers: Iterable[int], *, outcome: str | None = None, meta: Meta | None = None, note: str = ""
    ) -> Edit:
        """Change what is said of episodes.

        Args:
            numbers: Which.
            outcome: Their new outcome.
            meta: Facts to add or replace (``instruction``, ``notes``, ``operator`` ...); None removes one.
            note: Why.
        """
        if outcome is not None and outcome not in OUTCOMES:
            raise DatasetError(f"an episode's outcome is one of {', '.join(OUTCOMES)}, not {outcome!r}")
        entries = [self._find(number) for number in numbers]
        changes: dict[str, Change] = {}
        for entry in entries:
            new = {k: v for k, v in {**entry["meta"], **(meta or {})}.items() if v is not None}
            pairs = {"outcome": (entry["outcome"], outcome or entry["outcome"]), "meta": (entry["meta"], new)}
            changes[entry["uuid"]] = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
        said = [f"outcome {outcome}"] * (outcome is not None) + [str(key) for key in meta or {}]
        return self._commit("relabel", f"relabeled {_names(entries)}: {', '.join(said)}", changes, note)

    def reward(self, number: int, reward: NDArray, success: NDArray | None = None, note: str = "") -> Edit:
        """Give the steps of an episode other rewards (T,), and other success flags (T,); the old ones are kept."""
        entry = self._find(number)
        steps = int(entry["steps"])
        if np.shape(reward) != (steps,) or not np.isfinite(reward).all():
            raise DatasetError(f"episode {number} has {steps} steps: give as many finite rewards")
        replaced: dict[str, NDArray] = {"reward": np.asarray(reward, np.float32)}
        replaced["reward_source"] = np.full(steps, RewardSource.RELABELED, np.uint8)
        labels: dict[str, Any] = {}
        if success is not None:
            if np.shape(success) != (steps,):
                raise DatasetError(f"episode {number} has {steps} steps: give as many success flags")
            replaced["success"] = np.asarray(success, np.bool_)
            labels["outcome"] = "success" if replaced["success"][-1] else "failure"
        recipe = Recipe(number=number, replaced=replaced, labels=labels)
        return self._replace(entry, [recipe], "reward", f"gave {_names([entry])} other rewards", note)

    def rewrite(self, recipes: Iterable[Recipe], operation: str, summary: str, note: str = "") -> Edit:
        """Give episodes, those of the recipes' numbers, other arrays, other labels or another end: all in one edit."""
        named = [(self._find(recipe.number), recipe) for recipe in recipes]
        with guard(self.root):
            born = [derive(self.root, entry, self.layout, recipe) for entry, recipe in named]
        changes: dict[str, Change] = {entry["uuid"]: {VISIBLE: HIDE} for entry, _ in named}
        changes |= {name: {VISIBLE: SHOW} for name in born}
        return self._commit(operation, f"{summary} {_names([entry for entry, _ in named])}".strip(), changes, note)

    def trim(self, number: int, start: int, stop: int, note: str = "") -> Edit:
        """Keep the steps ``start`` to ``stop - 1`` of an episode, and the observation after them."""
        entry = self._find(number)
        _check_cuts(entry, [start, stop])
        recipe = Recipe(number=number, start=start, stop=stop)
        return self._replace(entry, [recipe], "trim", f"trimmed {_names([entry])} to steps {start} to {stop - 1}", note)

    def split(self, number: int, at: Sequence[int], note: str = "") -> Edit:
        """Cut an episode before each of the steps ``at``; the parts get new numbers, all but the last are unlabeled."""
        entry = self._find(number)
        cuts = [0, *at, int(entry["steps"])]
        _check_cuts(entry, cuts)
        first = self._next_number()
        recipes = [
            Recipe(number=first + i, start=a, stop=b, labels={"outcome": "unlabeled"} if b != cuts[-1] else {})
            for i, (a, b) in enumerate(itertools.pairwise(cuts))
        ]
        into = f"{first} to {first + len(recipes) - 1}"
        return self._replace(entry, recipes, "split", f"split {_names([entry])} into {into}", note)

    def merge(self, other: Path, note: str = "") -> Edit:
        """Add the episodes of another dataset; files are shared where the file system can, episodes never twice."""
        theirs = dataset.open_dataset(other)
        if theirs.root.resolve() == self.root.resolve():
            raise DatasetError(f"{other} is this dataset: name another one")
        dataset.check_spec(self.root, theirs.spec)
        here = {entry.get("origin", entry["uuid"]) for entry in self._entries()}
        new = [entry for entry in theirs.index if entry.get("origin", entry["uuid"]) not in here]
        first = self._next_number()
        with guard(self.root):
            born = [derive(self.root, e, self.layout, Recipe(number=first + i)) for i, e in enumerate(new)]
        summary = f"merged {len(new)} episodes of {theirs.root}, {len(theirs) - len(new)} were here already"
        return self._commit("merge", summary, {name: {VISIBLE: SHOW} for name in born}, note)

    def undo(self, note: str = "") -> Edit:
        """Take back the newest edit that still stands."""
        edit = last_undoable(self.history())
        if edit is None:
            raise DatasetError(f"{self.root} has no edit that could be undone")
        changes = {u: {k: (after, before) for k, (before, after) in c.items()} for u, c in edit.changes.items()}
        undone = Edit(
            operation="undo",
            summary=f"undid version {edit.version}: {edit.summary}",
            changes=changes,
            note=note,
            undoes=edit.version,
        )
        return self._write(undone)

    def restore(self, version: int, note: str = "") -> Edit:
        """Make the dataset what it was after the edit ``version`` (0: as recorded); later recordings stay."""
        edits = self.history()
        if not 0 <= version <= len(edits):
            raise DatasetError(f"{self.root} has the versions 0 to {len(edits)}, there is no version {version}")
        return self._commit("restore", f"restored version {version}", difference(edits, version), note)

    def purge(self, note: str = "") -> Edit:
        """Delete the files of the episodes that do not belong to the dataset; edits that hid them cannot be undone."""
        state = fold(self.history())
        hidden = [e for e in list_episodes(self.root).entries if not is_visible(e, state)]
        gone = tuple(entry["uuid"] for entry in hidden)
        highest = highest_number(self.root)
        edit = Edit(operation="purge", summary=f"purged {_names(hidden)}", note=note, purged=gone, highest=highest)
        edit = self._write(edit)
        self._sweep()
        return edit

    def _entries(self) -> tuple[Entry, ...]:
        return apply(list_episodes(self.root).entries, self.history())

    def _find(self, number: int) -> Entry:
        entries = self._entries()
        for entry in entries:
            if entry["number"] == number:
                return entry
        numbers = [entry["number"] for entry in entries]
        has = f"its numbers go from {min(numbers)} to {max(numbers)}" if numbers else "it has none"
        raise DatasetError(f"{self.root} has no episode {number}: {has}")

    def _next_number(self) -> int:
        return highest_number(self.root) + 1

    def _replace(self, entry: Entry, recipes: Sequence[Recipe], operation: str, summary: str, note: str) -> Edit:
        with guard(self.root):
            born = [derive(self.root, entry, self.layout, recipe) for recipe in recipes]
        changes: dict[str, Change] = {entry["uuid"]: {VISIBLE: HIDE}, **{name: {VISIBLE: SHOW} for name in born}}
        return self._commit(operation, summary, changes, note)

    def _commit(self, operation: str, summary: str, changes: Mapping[str, Change], note: str) -> Edit:
        return self._write(Edit(operation=operation, summary=summary, changes=changes, note=note))

    def _write(self, edit: Edit) -> Edit:
        shown = {name for name, change in edit.changes.items() if change.get(VISIBLE, HIDE)[1]}
        there = {entry["uuid"] for entry in list_episodes(self.root).entries} if shown else set()
        if gone := len(shown - there):
            raise DatasetError(f"{self.root}: {gone} of these episodes were purged: they cannot come back")
        edit = replace(edit, version=len(self.history()) + 1)
        with guard(self.root):
            write_edit(self.root, edit)
        return edit

    def _sweep(self) -> None:
        """Remove what a killed edit left, and what was purged."""
        edits = self.history()
        purged = {name for edit in edits for name in edit.purged}
        named = {name for edit in edits for name in edit.changes}
        with guard(self.root):
            for entry in list_episodes(self.root).entries:
                if entry["uuid"] in purged or ("edit" in entry and entry["uuid"] not in named):
                    discard_group(self.root, entry["path"])


def _names(entries: Sequence[Entry]) -> str:
    numbers = ", ".join(str(entry["number"]) for entry in entries[:8])
    more = f" and {len(entries) - 8} more" if len(entries) > 8 else ""
    return f"episode{'s' * (len(entries) != 1)} {numbers}{more}".strip()


def _check_cuts(entry: Entry, cuts: Sequence[int]) -> None:
    if not all(a < b for a, b in itertools.pairwise(cuts)) or cuts[0] < 0 or cuts[-1] > entry["steps"]:
        raise DatasetError(
            f"episode {entry['number']} has the steps 0 to {entry['steps'] - 1}: cut between them, in order"
        )
