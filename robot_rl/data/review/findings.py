"""What a check found, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad a finding is."""

    WRONG = "wrong"
    """Training on it is a mistake."""
    SUSPECT = "suspect"
    """A person should look."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about an episode, or about the whole dataset."""

    level: Level
    kind: str
    """One word or two: stamps, gap, stale camera, saturation, frozen, duplicate, length, digest ..."""
    text: str
    """What is the matter."""
    remedy: str
    """What to do about it."""
    episode: int | None = None
    """Its number; None: the dataset."""


ORDER = list(Level)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by level, then by episode."""
    return sorted(findings, key=lambda f: (ORDER.index(f.level), -1 if f.episode is None else f.episode, f.kind))
