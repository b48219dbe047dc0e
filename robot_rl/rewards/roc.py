"""How good a classifier's scores are: ROC, thresholds, and what an episode would have come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Roc:
    """Rates at every threshold, from the strictest to the most generous."""

    threshold: Scores
    """A score counts as success from here on, (K,), falling; the first is infinite."""
    fpr: Scores
    tpr: Scores

    @property
    def auc(self) -> float:
        """Area under the curve: how often a success scores higher than a failure."""
        return float((np.diff(self.fpr) * (self.tpr[1:] + self.tpr[:-1])).sum() / 2)


def roc(score: Scores, label: Labels) -> Roc:
    """The curve; ``ConfigError`` unless there are both successes and failures."""
    positive, negative = int(label.sum()), int((~label).sum())
    if not positive or not negative:
        raise ConfigError("rates need both successes and failures: give more episodes")
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    hits, alarms = np.cumsum(label[order])[last], np.cumsum(~label[order])[last]
    return Roc(np.append(np.inf, falling[last]), np.append(0.0, alarms / negative), np.append(0.0, hits / positive))


def threshold_for(curve: Roc, fpr: float) -> float:
    """The most generous threshold whose false-positive rate is ``fpr`` at most, half way down to the next score.

    Where no failure scores as high as any success, that is the middle between them.
    """
    if not 0.0 <= fpr < 1.0:
        raise ConfigError(f"a false-positive rate of {fpr:g} was asked for: choose one from 0 to 1")
    allowed = int(np.flatnonzero(curve.fpr <= fpr)[-1])
    generous = int(np.flatnonzero(curve.tpr == curve.tpr[allowed])[0])  # the same successes, fewer failures
    if generous == 0:
        return float(np.nextafter(curve.threshold[1], np.inf))
    below = curve.threshold[min(generous + 1, len(curve.threshold) - 1)]
    return float((curve.threshold[generous] + below) / 2)


def fpr_at(curve: Roc, tpr: float) -> float:
    """The least false-positive rate with which ``tpr`` of the successes are seen."""
    return float(curve.fpr[np.flatnonzero(curve.tpr >= tpr - 1e-12)[0]])


def rates(score: Scores, label: Labels, threshold: float) -> tuple[float, float]:
    """False- and true-positive rate of a threshold."""
    said = score >= threshold
    return float(said[~label].mean()), float(said[label].mean())


def crossed(score: Scores, label: Labels, episode: NDArray[np.int64], fpr: float) -> tuple[float, float]:
    """False- and true-positive rate of the rule "threshold for ``fpr``" on episodes it was not chosen on.

    The threshold is chosen on every second episode and measured on the others, and the other way round.
    """
    names = np.unique(episode)
    won = np.array([bool(label[episode == name].any()) for name in names])
    half = np.zeros(len(names), bool)
    for group in (won, ~won):
        half[np.flatnonzero(group)[::2]] = True
    odd = np.isin(episode, names[half])
    said = np.zeros(len(score), bool)
    for chosen in (odd, ~odd):
        said[~chosen] = score[~chosen] >= threshold_for(roc(score[chosen], label[chosen]), fpr)
    return float(said[~label].mean()), float(said[label].mean())


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What episodes would have come to if the classifier had judged them."""

    episodes: int
    won: int
    """Episodes with a success."""
    false: int
    """Episodes in which it said success more than ``near`` steps before one, or where none came."""
    missed: int
    """Episodes with a success that it never saw."""
    late: float
    """Steps by which it was late on average, where it was right."""


def verdicts(
    score: Scores, ahead: NDArray[np.int64], episode: NDArray[np.int64], threshold: float, near: int
) -> Verdicts:
    """Judge whole episodes, whose frames are in order; ``ahead``: steps from each frame to the next success."""
    false = missed = won = 0
    late: list[int] = []
    for name in np.unique(episode):
        here = episode == name
        to_go, said = ahead[here], np.flatnonzero(score[here] >= threshold)
        success = np.flatnonzero(to_go == 0)
        won += len(success) > 0
        if len(said) and to_go[said[0]] > near:
            false += 1
        elif len(success) and not len(said):
            missed += 1
        elif len(said):
            late.append(max(0, int(said[0] - success[0])))
    mean = float(np.mean(late)) if late else 0.0
    return Verdicts(episodes=len(np.unique(episode)), won=won, false=false, missed=missed, late=mean)
