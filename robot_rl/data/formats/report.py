"""What a conversion did, and what it could not carry over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Report:
    """Filled in while converting."""

    format: str
    """Name of the other format."""
    source: Path
    target: Path
    episodes: int = 0
    steps: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    """What the target cannot hold -> why, or where it went."""
    assumed: dict[str, str] = field(default_factory=dict)
    """What the source does not say -> what was written instead."""
    decibels: dict[str, float] = field(default_factory=dict)
    """Images that were changed by compression -> peak signal to noise ratio over all pixels [dB]; no entry: exact."""

    def lines(self) -> list[str]:
        """To be read by a person."""
        kinds: tuple[tuple[str, Mapping[str, str]], ...] = (("lost", self.lost), ("assumed", self.assumed))
        lines = [f"{self.episodes} episodes, {self.steps} steps: {self.source} -> {self.target} ({self.format})"]
        lines += [f"{kind}: {name}: {why}" for kind, facts in kinds for name, why in facts.items()]
        lines += [f"lossy: {name}: {value:.1f} dB" for name, value in self.decibels.items()]
        return lines
