"""What a report is made of: evaluations, traces of an episode, and the figures that come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.actor.rollout import EpisodeResult
from robot_rl.data.ledger import Ledger
from robot_rl.report.statistics import wilson


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Seeded episodes of one policy."""

    task: str
    checkpoint: str
    episodes: Sequence[EpisodeResult]
    timing: Mapping[str, float] = field(default_factory=dict)
    """Named figures of the loops, units in the names."""

    @property
    def successes(self) -> int:
        """Episodes that succeeded."""
        return sum(e.success for e in self.episodes)

    @property
    def success(self) -> float:
        """Success rate in [0, 1]."""
        return self.successes / max(1, len(self.episodes))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the success rate (Wilson)."""
        return wilson(self.successes, len(self.episodes))

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types: the figures, and every episode."""
        return {
            "task": self.task,
            "checkpoint": self.checkpoint,
            "success": self.success,
            "successes": self.successes,
            "interval": list(self.interval),
            **worst(self.episodes),
            "timing": dict(self.timing),
            "episodes": [asdict(e) for e in self.episodes],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Evaluation:
        """The evaluation that ``to_json`` wrote."""
        known = {f.name for f in fields(EpisodeResult)}
        episodes = [EpisodeResult(**{k: v for k, v in e.items() if k in known}) for e in data["episodes"]]
        task, checkpoint = data["task"], data["checkpoint"]
        return Evaluation(task=task, checkpoint=checkpoint, episodes=episodes, timing=data.get("timing", {}))


def worst(episodes: Sequence[EpisodeResult]) -> dict[str, float]:
    """The figures of safety over some episodes; zeros without any."""
    return {
        "passivity_violations": sum(e.violations for e in episodes),
        "worst_energy_ratio": max((e.worst_ratio for e in episodes), default=0.0),
        "peak_force_n": max((e.peak_force for e in episodes), default=0.0),
        "mean_steps": float(np.mean([e.steps for e in episodes])) if episodes else 0.0,
    }


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One recorded episode of T steps, for the charts over time."""

    time: NDArray[np.float64]
    """Since the start [s], (T,)."""
    tank: NDArray[np.float64]
    """Energy in the tank [J], (T,)."""
    spring: NDArray[np.float64]
    """Energy in the virtual springs [J], (T,)."""
    work: NDArray[np.float64]
    """Work done by the controller since the reset [J], (T,)."""
    budget: NDArray[np.float64]
    """What ``work`` must not exceed [J], (T,)."""
    scale: NDArray[np.float64]
    """Share of the proposed motion let through, (T,)."""
    force: NDArray[np.float64]
    """Largest contact force within each step [N], (T,)."""
    images: Mapping[str, NDArray[np.uint8]]
    """Per camera, (T, H, W, 3)."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that was found in a run folder; what lacks is empty."""

    name: str
    task: str
    evaluations: Mapping[str, Evaluation]
    """``before`` and ``after``."""
    deployment: Evaluation | None
    trace: Trace | None
    learning: Sequence[tuple[float, bool]]
    """Environment steps so far and success, per online episode."""
    phases: Sequence[tuple[str, float]]
    """Name and duration [s] of each phase."""
    settings: Mapping[str, str]
    """What was run, in words."""
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    """Who acted in each part of the run, how old everything was, what came too late."""
