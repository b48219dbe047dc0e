"""How good a classifier is on episodes that it has not learnt from, in the terms that matter for a reward."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import Dataset
from robot_rl.rewards.classifier import Classifier
from robot_rl.rewards.drift import Drift, compare, digest
from robot_rl.rewards.frames import Frames, load_frames
from robot_rl.rewards.relabel import check_images
from robot_rl.rewards.roc import Roc, crossed, fpr_at, rates, roc, verdicts

NEAR: Final = 2
"""A classifier that says success this many steps before it is there is early, not wrong."""
POINTS: Final = 200
"""Of a curve that is kept, about."""
MOST: Final = 1 << 17
"""Frames that are tested on, at most."""


def report_of(frames: Frames, logit: NDArray[np.float64], threshold: float, fpr: float) -> dict[str, Any]:
    """All that is said of scores on episodes that were not learnt from; ``fpr``: the rate that was asked for."""
    curve = roc(logit, frames.label)
    false, true = rates(logit, frames.label, threshold)
    false_crossed, true_crossed = crossed(logit, frames.label, frames.episode, fpr)
    clear = frames.label | (frames.ahead > NEAR)
    return {
        "frames": len(frames),
        "successes": int(frames.label.sum()),
        "auc": curve.auc,
        "asked_fpr": fpr,
        "threshold": 1 / (1 + float(np.exp(-threshold))),
        "fpr": false,
        "tpr": true,
        "crossed_fpr": false_crossed,
        "crossed_tpr": true_crossed,
        "fpr_at_99_tpr": fpr_at(curve, 0.99),
        "clear_fpr_at_99_tpr": fpr_at(roc(logit[clear], frames.label[clear]), 0.99),
        "episodes": asdict(verdicts(logit, frames.ahead, frames.episode, threshold, NEAR)),
        "roc": curve_points(curve),
    }


def curve_points(curve: Roc) -> list[list[float]]:
    """Some points of a curve, its ends among them: false- and true-positive rate."""
    every = max(1, len(curve.fpr) // POINTS)
    points = sorted({*range(0, len(curve.fpr), every), len(curve.fpr) - 1})
    return [[float(curve.fpr[i]), float(curve.tpr[i])] for i in points]


def digests_of(
    frames: Frames, logit: NDArray[np.float64], distance: NDArray[np.float64], threshold: float
) -> list[tuple[float, float]]:
    """What drift is measured by, of each episode."""
    places = (frames.episode == name for name in np.unique(frames.episode))
    return [digest(logit[here], distance[here], threshold) for here in places]


def evaluate(dataset: Dataset, classifier: Classifier) -> tuple[dict[str, Any], tuple[str, ...], Drift]:
    """Report, the episodes it is of, and the drift, on what the classifier has not learnt from."""
    check_images(dataset, classifier)
    facts = classifier.facts
    frames = load_frames(dataset, facts.cameras, facts.network.size, MOST)
    held = tuple(sorted(set(frames.origins) - set(facts.trained_on)))
    if not held:
        raise DatasetError(f"{dataset.root} holds only episodes that the classifier has learnt from: record others")
    frames = frames.of(held)
    logit, distance = classifier.judge(frames.images)
    drift = compare(digests_of(frames, logit, distance, facts.threshold), facts.reference)
    return report_of(frames, logit, facts.threshold, facts.report["asked_fpr"]), held, drift
