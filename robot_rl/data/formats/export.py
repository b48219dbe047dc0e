"""What every export is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.formats.report import Report
from robot_rl.data.streams import STREAMS

IMAGES: Final = ("png", "h264", "av1")
"""How LeRobot's images are stored: exactly, or as video."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What only some formats ask."""

    images: str = "png"
    """LeRobot: ``png`` in its tables, which is exact, or ``h264`` or ``av1`` video, which is small."""
    quality: int = 30
    """Of videos: the encoder's constant rate factor; less is better and larger."""


@dataclass(frozen=True)
class Export:
    """One export at work."""

    dataset: Dataset
    place: Path
    """Where to write."""
    report: Report
    options: Options
    progress: Callable[[int, int], None]

    def episodes(self) -> Iterator[tuple[int, Episode]]:
        """Number, from 0, and episode; tells the progress."""
        for i, episode in enumerate(self.dataset.episodes()):
            yield i, episode
            self.progress(i + 1, len(self.dataset))

    def lose_streams(self) -> None:
        """Say which signals are left out, in a format whose rows are all steps."""
        names = sorted({name for entry in self.dataset.index for name in entry.get(STREAMS, {})})
        if names:
            self.report.lost["streams"] = f"{', '.join(names)}: {self.report.format} has one rate for all; try mcap"
