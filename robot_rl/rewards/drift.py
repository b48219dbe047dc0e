"""Whether a classifier still sees what it was trained on: its scores, and the pictures, against held-out episodes.

Per episode two numbers: the median logit of the frames that it calls no success (how many successes there are moves it
not), and the mean distance of its pictures from those of the training episodes, by the colours of a coarse grid. The
mean of the last few episodes is compared with that of held-out episodes. Far out in their spread, the light has
changed, a camera has moved, or the policy has come to places where nobody labelled anything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError

WINDOW: Final = 5
"""Episodes that are looked at together."""
LIMIT: Final = 5.0
"""Standard deviations from which it is drift."""
LEAST: Final = (0.02, 0.1)
"""Smallest spreads of the two numbers that are believed, as shares of the numbers."""
GRID: Final = 4
"""Rows and columns of the grid of colours."""
GREY_LEVELS: Final = 3.0
"""Spread of a colour that is no news, out of 255."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """The training episodes' pictures: colours of a coarse grid over each camera's image."""

    mean: NDArray[np.float32]
    """(C * GRID * GRID * 3,), of 255."""
    spread: NDArray[np.float32]
    """Standard deviation from frame to frame."""

    @staticmethod
    def of(images: NDArray[np.uint8]) -> Pictures:
        """Those of small images (N, C, S, S, 3)."""
        colours = grid(images)
        return Pictures(colours.mean(0), np.maximum(colours.std(0), GREY_LEVELS))

    def distance(self, images: NDArray[np.uint8]) -> Values:
        """How far images are from them, (N,): root mean square over the grid, in standard deviations; usually 1."""
        return np.sqrt((((grid(images) - self.mean) / self.spread) ** 2).mean(1)).astype(np.float64)


def grid(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean colours of the cells of small images (N, C, S, S, 3), (N, C * GRID * GRID * 3)."""
    count, cameras, size = images.shape[:3]
    edges = np.arange(GRID) * size // GRID
    rows = np.add.reduceat(images.reshape(count * cameras, size, size, 3).astype(np.float32), edges, axis=1)
    sums = np.add.reduceat(rows, edges, axis=2)
    cells = np.diff([*edges, size])
    return (sums / (cells[:, None] * cells)[..., None]).reshape(count, -1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What held-out episodes looked like."""

    episodes: int
    score: float
    """Mean over episodes of their median logit of no success."""
    score_spread: float
    """Its standard deviation from episode to episode."""
    distance: float
    """Mean over episodes of their mean distance from the pictures of the training episodes."""
    distance_spread: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far some episodes are from the reference, in standard deviations of a mean of so many."""

    episodes: int
    score: float
    """Signed."""
    distance: float
    """Signed; only what is farther away is drift."""

    def to_json(self) -> dict[str, Any]:
        """Plain types, with the alarm."""
        return {**asdict(self), "alarm": self.alarm}

    @property
    def alarm(self) -> str:
        """What is the matter; empty: nothing."""
        found = []
        if abs(self.score) > LIMIT:
            found.append(f"its scores of no success have moved by {self.score:+.1f} standard deviations")
        if self.distance > LIMIT:
            found.append(f"the pictures are {self.distance:.1f} standard deviations from those it was trained on")
        return " and ".join(found)


def digest(logit: Values, distance: Values, threshold: float) -> tuple[float, float]:
    """The two numbers of an episode, from all its frames; its least logit counts where it calls all of them success."""
    below = logit[logit < threshold]
    return float(np.median(below) if len(below) else logit.min()), float(distance.mean())


def reference(digests: list[tuple[float, float]]) -> Reference:
    """Of held-out episodes."""
    if len(digests) < 2:
        raise ConfigError(f"{len(digests)} held-out episodes say nothing about spread: record more")
    mean, spread = np.mean(digests, axis=0), np.std(digests, axis=0, ddof=1)
    spread = np.maximum(spread, LEAST * np.abs(mean) + 1e-6)  # the few that were held out may be alike by chance
    return Reference(
        episodes=len(digests),
        score=float(mean[0]),
        score_spread=float(spread[0]),
        distance=float(mean[1]),
        distance_spread=float(spread[1]),
    )


def compare(digests: list[tuple[float, float]], known: Reference) -> Drift:
    """Some episodes against the reference."""
    mean = np.mean(digests, axis=0)
    uncertain = np.sqrt(1 / len(digests) + 1 / known.episodes)
    return Drift(
        episodes=len(digests),
        score=float((mean[0] - known.score) / (known.score_spread * uncertain)),
        distance=float((mean[1] - known.distance) / (known.distance_spread * uncertain)),
    )


class DriftMonitor:
    """Watches episode after episode while a classifier is at work."""

    def __init__(self, known: Reference, threshold: float) -> None:
        self.known, self.threshold = known, threshold
        self._recent: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._frames: list[tuple[float, float]] = []
        self.drift: Drift | None = None
        """Of the last ``WINDOW`` episodes; None before there are so many."""

    @property
    def alarm(self) -> str:
        """What is the matter; empty: nothing."""
        return "" if self.drift is None else self.drift.alarm

    def frame(self, logit: float, distance: float) -> None:
        """One frame of the running episode."""
        self._frames.append((logit, distance))

    def close(self) -> None:
        """The episode is over."""
        if not self._frames:
            return
        logit, distance = np.array(self._frames).T
        self._frames.clear()
        self._recent.append(digest(logit, distance, self.threshold))
        if len(self._recent) == WINDOW:
            self.drift = compare(list(self._recent), self.known)
