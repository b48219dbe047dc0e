"""Whether a classifier still sees what it was trained on: scores and features of new episodes against held-out ones.

Per episode two numbers: the mean logit of the frames that it calls no success (how many successes there are moves it
not), and the mean distance of its features from those of the training frames. The mean of the last few episodes is
compared with that of held-out episodes; far out in their spread, the light has changed, a camera has moved, or the
policy has come to places where nobody labelled anything.
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
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What held-out episodes looked like."""

    episodes: int
    score: float
    """Mean over episodes of their mean logit of no success."""
    score_spread: float
    """Its standard deviation from episode to episode."""
    distance: float
    """Mean over episodes of their mean distance from the training features."""
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
            found.append(f"the frames are {self.distance:.1f} standard deviations from those it was trained on")
        return " and ".join(found)


def digest(logit: Values, distance: Values, threshold: float) -> tuple[float, float]:
    """The two numbers of an episode, from all its frames; its least logit counts where it calls all of them success."""
    below = logit[logit < threshold]
    return float(below.mean() if len(below) else logit.min()), float(distance.mean())


def reference(digests: list[tuple[float, float]]) -> Reference:
    """Of held-out episodes."""
    if len(digests) < 2:
        raise ConfigError(f"{len(digests)} held-out episodes say nothing about spread: record more")
    mean, spread = np.mean(digests, axis=0), np.std(digests, axis=0, ddof=1)
    least = 0.02 * np.abs(mean) + 1e-6  # the few that were held out may be alike by chance
    spread = np.maximum(spread, least)
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
