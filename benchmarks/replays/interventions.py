"""Episodes in which a person takes over again and again, every frame marked with where it comes from. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 8
"""Of an image [pixel]."""


@dataclass(frozen=True)
class Episode:
    """T steps and T + 1 observations, unless its end was lost."""

    number: int
    human: list[bool]
    """Whether a person chose the action, per step."""
    end: str
    """terminated, truncated or interrupted (nobody knows what the last step led to)."""


def episodes(count: int, seed: int) -> list[Episode]:
    """Episodes of 20 to 60 steps; corrections of 3 to 8 steps, 4 to 12 steps of the policy between them."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        human: list[bool] = []
        while len(human) < 60:
            human += [False] * int(rng.integers(4, 13)) + [True] * int(rng.integers(3, 9))
        length = int(rng.integers(20, 61))
        made.append(Episode(number, human[:length], str(rng.choice(["terminated", "truncated", "interrupted"]))))
    return made


def image(episode: int, row: int) -> np.ndarray:
    """A frame that says where it comes from, (SIDE, SIDE, 3) uint8."""
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    frame[0, 0] = episode // 256, episode % 256, row
    return frame


def place(frame: np.ndarray) -> tuple[int, int]:
    """Episode and row of such a frame."""
    high, low, row = (int(x) for x in frame[0, 0])
    return high * 256 + low, row


def foreign(obs: np.ndarray, next_obs: np.ndarray, state: np.ndarray, bootstraps: np.ndarray) -> float:
    """Share of sampled pairs whose frames are not those of the step, or of the step after it where that counts.

    Args:
        obs: Frames, (B, SIDE, SIDE, 3).
        next_obs: Frames after the steps.
        state: Episode and row of each step, (B, 2).
        bootstraps: Whether the value of the next observation is used, (B,).
    """
    wrong = 0
    for b in range(len(obs)):
        episode, row = (int(x) for x in state[b])
        right = place(next_obs[b]) == (episode, row + 1) or not bootstraps[b]
        wrong += place(obs[b]) != (episode, row) or not right
    return wrong / len(obs)
