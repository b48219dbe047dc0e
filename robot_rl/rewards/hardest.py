"""The frames that a classifier finds hardest: what it says of them is farthest from what their labels say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import RewardSource
from robot_rl.data.dataset import Dataset
from robot_rl.data.derive import Recipe
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.versions import Edit
from robot_rl.rewards.classifier import Classifier
from robot_rl.rewards.frames import Frames, ahead_of, labels_of, load_frames
from robot_rl.rewards.relabel import REVIEWED, check_images
from robot_rl.rewards.roc import roc
from robot_rl.rewards.testing import curve_points

BINS: Final = 40
"""Of the histograms of scores."""


class Scored:
    """Frames of a dataset with a classifier's word on each."""

    def __init__(self, dataset: Dataset, classifier: Classifier, most: int = 20_000) -> None:
        check_images(dataset, classifier)
        facts = classifier.facts
        self.facts = facts
        self.frames: Frames = load_frames(dataset, facts.cameras, facts.network.size, most)
        self.logit, self.distance = classifier.judge(self.frames.images)
        self.held_out = ~np.isin(self.frames.episode, self._places(facts.trained_on))
        """Frames of episodes that the classifier has not learnt from."""

    def _places(self, origins: tuple[str, ...]) -> list[int]:
        known = set(origins)
        return [i for i, name in enumerate(self.frames.origins) if name in known]

    def relabel(self, dataset: Dataset) -> None:
        """Take over the labels that the dataset has by now."""
        label, ahead = self.frames.label.copy(), self.frames.ahead.copy()
        for episode in dataset.episodes():
            here = self.frames.number == episode.number
            now = labels_of(episode)
            rows = self.frames.row[here]
            if here.any() and rows.max() < len(now):
                label[here], ahead[here] = now[rows], ahead_of(now)[rows]
        self.frames = replace(self.frames, label=label, ahead=ahead)

    def wrong_by(self) -> NDArray[np.float64]:
        """By how much the logit of each frame is on the wrong side of the threshold, (N,); negative: it is right."""
        side = np.where(self.frames.label, -1.0, 1.0)
        return side * (self.logit - self.facts.threshold)

    def hardest(self, count: int, kind: str = "", *, held_out: bool = False) -> list[dict[str, Any]]:
        """The worst ``count`` frames; ``kind``: ``alarm`` (no success, called one), ``missed``, or all."""
        frames, wrong = self.frames, self.wrong_by()
        wanted = {"alarm": ~frames.label, "missed": frames.label}.get(kind, np.ones(len(frames), bool))
        wanted = wanted & self.held_out if held_out else wanted
        order = np.flatnonzero(wanted)[np.argsort(-wrong[wanted], kind="stable")][:count]
        return [
            {
                "number": int(frames.number[i]),
                "row": int(frames.row[i]),
                "label": bool(frames.label[i]),
                "probability": float(1 / (1 + np.exp(-self.logit[i]))),
                "wrong": bool(wrong[i] >= 0 if not frames.label[i] else wrong[i] > 0),
                "held_out": bool(self.held_out[i]),
                "ahead": int(frames.ahead[i]),
            }
            for i in order
        ]

    def charts(self) -> dict[str, Any]:
        """ROC and histograms of the frames that were not learnt from, as points."""
        logit, label = self.logit[self.held_out], self.frames.label[self.held_out]
        if not len(label) or label.all() or not label.any():
            return {"roc": [], "auc": None, "bins": [], "threshold": self.facts.threshold}
        curve = roc(logit, label)
        edges = np.linspace(float(logit.min()), float(logit.max()) + 1e-6, BINS + 1)
        shares = [np.histogram(logit[kind], edges)[0] / kind.sum() for kind in (~label, label)]
        return {
            "roc": curve_points(curve),
            "auc": curve.auc,
            "bins": [[float(edges[b]), float(shares[0][b]), float(shares[1][b])] for b in range(BINS)],
            "threshold": self.facts.threshold,
        }


def flip(editor: Editor, episode: Episode, row: int, success: bool, note: str = "") -> Edit:
    """Say whether observation ``row`` (1 to T) of an episode shows success; a person's word, as one edit.

    All steps stay. If it is the last observation, the episode's end, outcome and last reward follow.
    """
    label = labels_of(episode)
    label[row] = success
    said = label[1:]
    terminated = episode.terminated.copy()
    terminated[-1] = said[-1] or (terminated[-1] and not episode.success[-1])
    truncated = episode.truncated.copy()
    truncated[-1] = not terminated[-1]
    reward = np.where(said, episode.reward, 0.0).astype(np.float32)
    reward[-1] = max(reward[-1], 1.0) if said[-1] else reward[-1]
    arrays: dict[str, NDArray] = {"success": said, "terminated": terminated, "truncated": truncated, "reward": reward}
    source = episode.reward_source.copy()
    source[row - 1] = source[-1] = RewardSource.RELABELED
    arrays["reward_source"] = source
    meta = {**episode.meta, "labelled_by": "person", REVIEWED: True}
    labels = {"outcome": "success" if said[-1] else "failure", "meta": meta}
    recipe = Recipe(number=episode.number, replaced=arrays, labels=labels)
    word = "success" if success else "no success"
    return editor.rewrite([recipe], "reward", f"observation {row} shows {word}:", note)
