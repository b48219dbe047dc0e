"""Kernels of the replay: copy rows, sum n-step returns, lay out chunks. They hold no GIL."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError

STEP: Final = 1
"""Kind of a row with an action whose result is the next row."""
LAST: Final = 2
"""Kind of a row with an observation only: after the last step, or before an action with no known result (yet)."""
TABLE: Final = np.dtype([("reward", "f4"), ("terminated", "?"), ("kind", "u1")], align=True)
"""What the kernels know of a row."""
RETURN: Final = np.dtype([("reward", "f4"), ("discount", "f4"), ("next", "i8")], align=True)
"""An n-step return and the row of the observation that it ends in."""


def as_words(rows: NDArray) -> NDArray:
    """The same memory as rows (N, w) of the widest unsigned integers that fit; ``rows`` must be contiguous."""
    if not rows.flags.c_contiguous:
        raise ConfigError("a batch to write into must be contiguous: take it from empty_batch()")
    flat = rows.reshape(len(rows), -1)
    size = flat.shape[1] * flat.itemsize
    word = next(word for word in (np.uint64, np.uint32, np.uint16, np.uint8) if size % np.dtype(word).itemsize == 0)
    return flat.view(word)


@njit(cache=True, nogil=True)
def gather(source: NDArray, index: NDArray, out: NDArray, at: NDArray) -> None:
    """``out[at[b]] = source[index[b]]`` for rows of words, (N, w) and (B, w)."""
    for b in range(len(index)):
        row = source[index[b]]
        target = out[at[b]]
        for w in range(len(row)):
            target[w] = row[w]


@njit(cache=True, nogil=True, error_model="numpy")
def n_step_returns(table: NDArray, start: NDArray, n_step: int, gamma: float, out: NDArray) -> None:
    """Discounted sums of up to ``n_step`` rewards from each row of ``start``, which must be of kind STEP.

    A return stops where its episode ends. Its discount is gamma to the number of rewards, or 0 after a true end.

    Args:
        table: Ring of rows, (C,) TABLE.
        start: First rows, (B,).
        n_step: Largest number of rewards.
        gamma: Discount per step.
        out: (B,) RETURN.
    """
    for b in range(len(start)):
        row = start[b]
        total = 0.0
        discount = 1.0
        for _ in range(n_step):
            total += discount * table[row]["reward"]
            discount *= gamma
            ended = table[row]["terminated"]
            row = (row + 1) % len(table)
            if ended:
                discount = 0.0
            if ended or table[row]["kind"] != STEP:
                break
        out[b]["reward"] = total
        out[b]["discount"] = discount
        out[b]["next"] = row


@njit(cache=True, nogil=True)
def chunk_rows(table: NDArray, start: NDArray, rows: NDArray, mask: NDArray) -> None:
    """Rows (B, H) whose actions follow each row of ``start``; past the episode's end the last one, masked out."""
    for b in range(len(start)):
        row = start[b]
        inside = True
        for h in range(rows.shape[1]):
            rows[b, h] = row
            mask[b, h] = inside
            following = (row + 1) % len(table)
            if inside and table[following]["kind"] == STEP:
                row = following
            else:
                inside = False
