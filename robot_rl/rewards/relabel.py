"""Judges stored episodes again with a classifier: rewards, successes, where they end. One edit, which can be undone.

An episode that the classifier would have ended earlier is cut there, and its last step is a true end. One that it would
not have ended keeps all its steps: its last one becomes a time-out, after which the next state still has value. A
person's word stands above a classifier's unless it is overruled on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import RewardSource
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import Dataset
from robot_rl.data.derive import Recipe
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.versions import Edit
from robot_rl.rewards.classifier import Classifier
from robot_rl.rewards.drift import Drift, compare, digest
from robot_rl.rewards.frames import images_of

REVIEWED: Final = "reviewed"
"""Fact of an episode that somebody looked at and judged."""


@dataclass(frozen=True, kw_only=True)
class RelabelConfig:
    """How episodes are judged again."""

    hold: int = 1
    """Steps in a row for which the classifier must say success."""
    threshold: float = 0.0
    """Probability from which it says so; 0: the one that was chosen in training."""
    overrule: bool = False
    """Also judge episodes that a person has judged."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What becomes of one episode."""

    number: int
    steps: int
    was: str
    """Its outcome before."""
    won_at: int | None
    """The step that ends it; None: none does."""
    recipe: Recipe | None
    """How it is changed; None: it stays as it is."""


@dataclass
class Judgements:
    """What becomes of a dataset."""

    episodes: list[Judgement] = field(default_factory=list)
    people: int = 0
    """Episodes that were left alone because a person has judged them."""
    drift: Drift | None = None
    """How far the frames are from those that the classifier was trained on."""

    @property
    def recipes(self) -> list[Recipe]:
        """Of the episodes that change."""
        return [j.recipe for j in self.episodes if j.recipe is not None]

    def counts(self) -> dict[str, int]:
        """How many episodes change, and how."""
        now = {j.number: "success" if j.won_at is not None else "failure" for j in self.episodes}
        changed = [j for j in self.episodes if j.recipe is not None]
        return {
            "episodes": len(self.episodes) + self.people,
            "changed": len(changed),
            "success to failure": sum(j.was == "success" and now[j.number] == "failure" for j in changed),
            "other to success": sum(j.was != "success" and now[j.number] == "success" for j in changed),
            "cut": sum(j.won_at is not None and j.won_at + 1 < j.steps for j in changed),
            "left to people": self.people,
        }


def judge_again(
    dataset: Dataset, classifier: Classifier, config: RelabelConfig, on_episode: Callable[[int], None] | None = None
) -> Judgements:
    """Look at every episode again; nothing is changed yet."""
    check_images(dataset, classifier)
    threshold = classifier.facts.threshold
    if config.threshold:
        threshold = float(np.log(config.threshold / (1 - config.threshold)))
    found, digests = Judgements(), []
    for i, episode in enumerate(dataset.episodes()):
        if on_episode is not None:
            on_episode(i + 1)
        if not config.overrule and judged_by_person(episode):
            found.people += 1
            continue
        rows = range(len(episode) + 1)
        facts = classifier.facts
        logit, distance = classifier.judge(images_of(episode, facts.cameras, facts.network.size, rows))
        digests.append(digest(logit, distance, facts.threshold))
        won_at = first_win(logit[1:] >= threshold, config.hold)
        found.episodes.append(judgement(episode, won_at))
    found.drift = compare(digests, classifier.facts.reference) if digests else None
    return found


def check_images(dataset: Dataset, classifier: Classifier) -> None:
    """``DatasetError`` unless the dataset has what the classifier looks at."""
    for camera, shape in zip(classifier.facts.cameras, classifier.facts.shapes, strict=True):
        feature = dataset.spec.observation.get(IMAGES + camera)
        if feature is None or feature.shape[:2] != shape:
            has = "no such images" if feature is None else f"images of {feature.shape[0]}x{feature.shape[1]}"
            want = f"{camera} with {shape[0]}x{shape[1]} pixels"
            raise DatasetError(f"the classifier looks at {want}, {dataset.root} has {has}: train one on this dataset")


def judged_by_person(episode: Episode) -> bool:
    """Whether somebody said how the episode ended, at the keys or when she looked at it."""
    last = int(episode.reward_source[-1])
    by, looked = str(episode.meta.get("labelled_by", "")), bool(episode.meta.get(REVIEWED))
    machine = last == RewardSource.RELABELED and by == "classifier" and not looked
    return not machine and (looked or by == "person" or last in (RewardSource.PERSON, RewardSource.RELABELED))


def first_win(said: NDArray[np.bool_], hold: int) -> int | None:
    """The first step at which success has been said ``hold`` times in a row."""
    run = 0
    for t, yes in enumerate(said):
        run = run + 1 if yes else 0
        if run >= hold:
            return t
    return None


def judgement(episode: Episode, won_at: int | None) -> Judgement:
    """What becomes of an episode that is won at that step, or at none."""
    steps = len(episode)
    stop = steps if won_at is None else won_at + 1
    arrays: dict[str, NDArray] = {
        "reward": np.zeros(steps, np.float32),
        "success": np.zeros(steps, np.bool_),
        "terminated": episode.terminated & ~episode.success,  # what was lost for good stays lost
        "truncated": np.asarray(episode.truncated | (episode.terminated & episode.success)),
    }
    if won_at is not None:
        for name in ("reward", "success", "terminated"):
            arrays[name][won_at] = 1
        arrays["truncated"][won_at] = False
    same = stop == steps and all(np.array_equal(getattr(episode, name), value) for name, value in arrays.items())
    outcome = "failure" if won_at is None else "success"
    if won_at is None and episode.outcome in ("interrupted", "unlabeled"):
        outcome = episode.outcome
    recipe = None
    if not same or outcome != episode.outcome:
        arrays["reward_source"] = np.full(steps, RewardSource.RELABELED, np.uint8)
        meta: Mapping[str, Any] = {**episode.meta, "labelled_by": "classifier"}
        labels = {"outcome": outcome, "meta": dict(meta)}
        recipe = Recipe(number=episode.number, stop=stop, replaced=arrays, labels=labels)
    return Judgement(number=episode.number, steps=steps, was=episode.outcome, won_at=won_at, recipe=recipe)


def relabel(editor: Editor, found: Judgements, note: str = "") -> Edit | None:
    """Make it so, as one version of the dataset; None when nothing changes."""
    if not found.recipes:
        return None
    return editor.rewrite(found.recipes, "reward", "judged again by a classifier:", note)
