"""The edits of ``robot-rl data edit`` as command lines; what they do is in ``robot_rl.data.edit``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tyro

from robot_rl.core.errors import ConfigError
from robot_rl.data.edit import Editor
from robot_rl.data.versions import Edit


@dataclass(frozen=True, kw_only=True)
class Target:
    """What every edit needs."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    note: str = ""
    """Why; kept with the edit."""


class Operation(Protocol):
    """One edit."""

    @property
    def dataset(self) -> Path: ...
    def apply(self, editor: Editor) -> Edit: ...


@dataclass(frozen=True, kw_only=True)
class Delete(Target):
    """Take episodes out of the dataset."""

    episodes: tyro.conf.Positional[tuple[int, ...]]
    """Their numbers."""

    def apply(self, editor: Editor) -> Edit:
        return editor.delete(some(self.episodes), self.note)


@dataclass(frozen=True, kw_only=True)
class Relabel(Target):
    """Change what is said of episodes."""

    episodes: tyro.conf.Positional[tuple[int, ...]]
    """Their numbers."""
    outcome: str | None = None
    """success, failure, unlabeled, interrupted or discarded."""
    instruction: str | None = None
    """What the robot was to do, in natural language."""
    notes: str | None = None
    """Remarks, kept with the episode."""

    def apply(self, editor: Editor) -> Edit:
        meta = {k: v for k, v in (("instruction", self.instruction), ("notes", self.notes)) if v is not None}
        if self.outcome is None and not meta:
            raise ConfigError("nothing to change: give --outcome, --instruction or --notes")
        return editor.relabel(some(self.episodes), outcome=self.outcome, meta=meta, note=self.note)


@dataclass(frozen=True, kw_only=True)
class Trim(Target):
    """Keep the steps from --start to --stop - 1 of an episode."""

    episode: tyro.conf.Positional[int]
    """Its number."""
    start: int = 0
    """First step that is kept."""
    stop: int
    """Step after the last that is kept."""

    def apply(self, editor: Editor) -> Edit:
        return editor.trim(self.episode, self.start, self.stop, self.note)


@dataclass(frozen=True, kw_only=True)
class Split(Target):
    """Cut an episode before some of its steps."""

    episode: tyro.conf.Positional[int]
    """Its number."""
    at: tuple[int, ...]
    """Steps with which the second and later parts begin."""

    def apply(self, editor: Editor) -> Edit:
        return editor.split(self.episode, self.at, self.note)


@dataclass(frozen=True, kw_only=True)
class Merge(Target):
    """Add the episodes of another dataset."""

    other: tyro.conf.Positional[Path]
    """Its folder."""

    def apply(self, editor: Editor) -> Edit:
        return editor.merge(self.other, self.note)


@dataclass(frozen=True, kw_only=True)
class Undo(Target):
    """Take back the newest edit that still stands."""

    def apply(self, editor: Editor) -> Edit:
        return editor.undo(self.note)


@dataclass(frozen=True, kw_only=True)
class Restore(Target):
    """Make the dataset what it was after a version (0: as recorded); later recordings stay."""

    version: tyro.conf.Positional[int]
    """Which."""

    def apply(self, editor: Editor) -> Edit:
        return editor.restore(self.version, self.note)


@dataclass(frozen=True, kw_only=True)
class Purge(Target):
    """Delete the files of the episodes that were taken out; that cannot be undone."""

    def apply(self, editor: Editor) -> Edit:
        return editor.purge(self.note)


def some(episodes: tuple[int, ...]) -> tuple[int, ...]:
    """At least one number."""
    if not episodes:
        raise ConfigError("no episode: give the numbers of some, as 'robot-rl data view' shows them")
    return episodes
