"""What one reading of an episode leaves for the checks: small figures, never its images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Array, Source
from robot_rl.core.spec import IMAGES, STATE, Spec
from robot_rl.data.episode import Episode
from robot_rl.data.shards import ShardedRows

BOUND: Final = 0.99
"""An action component of at least this magnitude is at its bound."""
STILL: Final = 0.02
"""An action whose components are all smaller asks for nothing."""
HELD: Final = (Source.PAUSE, Source.SAFETY)
MOVED: Final = 0.002
"""An arm moved when most components of its state changed by more than this share of their range in the episode."""
BLOCK: Final = 16
"""Images in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Of an episode of T steps."""

    number: int
    outcome: str
    steps: int
    fingerprint: str
    """Equal for episodes with the same actions and measurements."""
    low: Mapping[str, Array]
    """Vector feature -> least value of each component, (D,)."""
    high: Mapping[str, Array]
    moving: int
    """Steps in which any component of the state changed."""
    changed: Array
    """Steps in which each component of the state changed, (D,)."""
    frozen: NDArray[np.int64]
    """Longest time, in steps, for which each component stood still to the last bit while others moved, (D,)."""
    at_bound: NDArray[np.float64]
    """Share of the steps in which each component of the action is at its bound, (A,)."""
    switch: NDArray[np.bool_]
    """Whether each component of the action knows only its two bounds and zero, as a gripper's, (A,)."""
    still: float
    """Share of the steps that ask for nothing."""
    roughness: float
    """Mean second difference of the actions: large for jerky ones."""
    stuck: Mapping[str, int]
    """Camera -> most steps in which the arm moved and the image stayed the same."""
    age: Mapping[str, float]
    """Camera -> age of its oldest image [s]; NaN: not known."""
    future: Mapping[str, float]
    """Camera -> how far an image was exposed after its observation, at most [s]; NaN: not known."""


def profile(episode: Episode, spec: Spec, *, images: bool) -> Profile:
    """Read an episode once; ``images`` False leaves its images alone."""
    vectors = {name: np.asarray(episode.obs[name], np.float64) for name in spec.vectors}
    state = vectors.get(STATE, next(iter(vectors.values()), np.zeros((len(episode) + 1, 0))))
    changed = np.diff(state, axis=0) != 0
    moving = changed.any(axis=1)
    size, actions = np.abs(episode.action), episode.action.astype(np.float64)
    cameras = spec.cameras if images else []
    ages = {camera: episode.stamp - stamps for camera, stamps in episode.frame_stamps.items()}
    return Profile(
        number=episode.number,
        outcome=episode.outcome,
        steps=len(episode),
        fingerprint=_fingerprint(episode, spec),
        low={name: rows.min(axis=0) for name, rows in vectors.items()},
        high={name: rows.max(axis=0) for name, rows in vectors.items()},
        moving=int(moving.sum()),
        changed=changed.sum(axis=0),
        frozen=_longest(~changed & moving[:, None]),
        at_bound=(size >= BOUND).mean(axis=0),
        switch=((size >= BOUND) | (size < STILL)).all(axis=0),
        still=float(((size < STILL).all(axis=1) & ~np.isin(episode.source, HELD)).mean()),
        roughness=float(np.abs(np.diff(actions, 2, axis=0)).mean()) if len(actions) > 2 else 0.0,
        stuck={camera: _stuck(episode, camera, state) for camera in cameras},
        age={camera: _largest(age) for camera, age in ages.items()},
        future={camera: _largest(-age) for camera, age in ages.items()},
    )


def _fingerprint(episode: Episode, spec: Spec) -> str:
    digest = hashlib.sha256(episode.action.tobytes())
    for name in spec.vectors:
        digest.update(np.asarray(episode.obs[name]).tobytes())
    return digest.hexdigest()


def _longest(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Longest run of True in each column of (T, D)."""
    longest = run = np.zeros(flags.shape[1], np.int64)
    for row in flags:
        run = (run + 1) * row
        longest = np.maximum(longest, run)
    return longest


def _stuck(episode: Episode, camera: str, state: Array) -> int:
    """Most steps in which the arm moved while the image stayed the same: an arm that stands still is no fault."""
    spread = np.ptp(state, axis=0)
    step = np.abs(np.diff(state, axis=0)) / np.where(spread > 0, spread, 1.0)
    moved = (step > MOVED).mean(axis=1) > 0.5
    most = count = 0
    for same, went in zip(_repeats(episode.obs[IMAGES + camera]), moved, strict=True):
        count = count + int(went) if same else 0
        most = max(most, count)
    return most


def _repeats(rows: NDArray | ShardedRows) -> NDArray[np.bool_]:
    """Whether each image but the first equals the one before, (T,)."""
    same, before = [], b""
    for start in range(0, len(rows), BLOCK):
        for image in rows[start : start + BLOCK]:
            now = image.tobytes()
            same.append(now == before)
            before = now
    return np.array(same[1:], np.bool_)


def _largest(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
