"""Labelled frames out of a dataset: what the cameras saw, and whether that was success."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.names import check_name
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode

JUDGED: Final = ("success", "failure")
"""Outcomes of the episodes whose frames have labels; of the others nobody knows how they would have ended."""
NEVER: Final = 1 << 20
"""Steps to a success that does not come."""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Rows of some episodes, one after the other."""

    images: NDArray[np.uint8]
    """(N, C, S, S, 3): small images of all cameras."""
    label: NDArray[np.bool_]
    """Success is to be seen, (N,)."""
    ahead: NDArray[np.int64]
    """Steps to the next success of the episode, (N,); 0 in a success, ``NEVER`` if none comes."""
    episode: NDArray[np.int64]
    """Which of ``origins``, (N,)."""
    number: NDArray[np.int64]
    """The episode's number in its dataset, (N,)."""
    row: NDArray[np.int64]
    """Which of its T + 1 observations, (N,)."""
    origins: tuple[str, ...]
    """The episodes as they were recorded, by uuid: edits of one are still the same episode."""

    def __len__(self) -> int:
        return len(self.label)

    def where(self, mask: NDArray[np.bool_]) -> Frames:
        """Some of them."""
        columns = ("images", "label", "ahead", "episode", "number", "row")
        return Frames(**{name: getattr(self, name)[mask] for name in columns}, origins=self.origins)

    def of(self, origins: Iterable[str]) -> Frames:
        """Those of some episodes."""
        wanted = set(origins)
        return self.where(np.isin(self.episode, [i for i, name in enumerate(self.origins) if name in wanted]))


def origin_of(entry: Mapping[str, Any]) -> str:
    """The recording that an episode is, whatever was edited of it since."""
    return str(entry.get("origin", entry["uuid"]))


def labels_of(episode: Episode) -> NDArray[np.bool_]:
    """Whether each of the T + 1 observations shows success: what was said of the step that led to it.

    Whoever gave the episode another outcome than its last step is right: what was no success after all shows none, what
    was one ends in one.
    """
    label = np.concatenate([[False], episode.success])
    if episode.outcome == "failure" and label[-1]:
        label[:] = False
    elif episode.outcome == "success":
        label[-1] = True
    return label


def ahead_of(label: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Steps from each row to the next success."""
    ahead, left = np.empty(len(label), np.int64), NEVER
    for i in range(len(label) - 1, -1, -1):
        left = 0 if label[i] else min(left + 1, NEVER)
        ahead[i] = left
    return ahead


def check_cameras(dataset: Dataset, cameras: Sequence[str]) -> tuple[str, ...]:
    """The cameras to look through: those given, or all; ``DatasetError`` where there is none."""
    known = dataset.spec.cameras
    if not known:
        raise DatasetError(f"{dataset.root} has no images: record some with 'robot-rl collect --cameras front wrist'")
    return tuple(check_name("camera", name, known) for name in cameras) or tuple(known)


def shrink(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) as (size, size, 3), each pixel the mean of what it stands for."""
    if rgb.shape[:2] == (size, size):
        return np.asarray(rgb)
    return np.asarray(cv2.resize(np.asarray(rgb), (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def images_of(episode: Episode, cameras: Sequence[str], size: int, rows: Sequence[int]) -> NDArray[np.uint8]:
    """Some rows as the classifier sees them, (len(rows), C, size, size, 3)."""
    out = np.empty((len(rows), len(cameras), size, size, 3), np.uint8)
    for c, camera in enumerate(cameras):
        images = episode.obs[IMAGES + camera]
        for i, row in enumerate(rows):
            out[i, c] = shrink(images[row], size)
    return out


def judged(dataset: Dataset) -> Iterator[tuple[str, Episode]]:
    """The episodes whose frames have labels, each with its origin."""
    for i, entry in enumerate(dataset.index):
        if entry["outcome"] in JUDGED:
            yield origin_of(entry), dataset.episode(i)


def load_frames(dataset: Dataset, cameras: Sequence[str], size: int, most: int, seed: int = 0) -> Frames:
    """All labelled frames, or ``most`` of them at most: every success, and failures drawn at random."""
    found = list(judged(dataset))
    labels = [labels_of(episode) for _, episode in found]
    total, positive = sum(map(len, labels)), sum(int(label.sum()) for label in labels)
    share = min(1.0, max(most - positive, 1) / max(1, total - positive))
    rng = np.random.default_rng(seed)
    origins = tuple(dict.fromkeys(origin for origin, _ in found))
    parts: dict[str, list[NDArray]] = {n: [] for n in ("images", "label", "ahead", "episode", "number", "row")}
    for (origin, episode), label in zip(found, labels, strict=True):
        rows = np.flatnonzero(label | (rng.random(len(label)) < share))
        parts["images"].append(images_of(episode, cameras, size, rows.tolist()))
        parts["label"].append(label[rows])
        parts["ahead"].append(ahead_of(label)[rows])
        parts["episode"].append(np.full(len(rows), origins.index(origin)))
        parts["number"].append(np.full(len(rows), episode.number))
        parts["row"].append(rows)
    if not positive or positive == total:
        lacking = "success" if not positive else "failure"
        raise DatasetError(f"{dataset.root} shows no {lacking}: record both; 'collect --keep-failures --reward linger'")
    return Frames(**{name: np.concatenate(part) for name, part in parts.items()}, origins=origins)


def split(frames: Frames, share: float, seed: int = 0) -> tuple[str, ...]:
    """Episodes to hold out: about ``share`` of those with a success, and of those without. By episode, never by frame.

    Which ones is decided by a hash of each, not by its place: the order of recording says nothing.
    """
    won = {frames.origins[i] for i in np.unique(frames.episode[frames.label])}
    held: list[str] = []
    for group in (won, set(frames.origins) - won):
        order = sorted(group, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
        held += order[: max(2, round(share * len(order)))] if len(order) > 3 else []
    if len(won) < 4:
        raise DatasetError(f"{len(won)} episodes with a success are too few to learn from and to test on: record more")
    return tuple(sorted(held))
