"""What a table of rows says of its steps, and the kernel that sums n-step returns along it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

STEP: Final = 1
"""Kind of a row with an action whose result is the next row."""
LAST: Final = 2
"""Kind of a row with an observation only: after the last step, or before an action with no known result (yet)."""
TABLE: Final = np.dtype([("reward", "f4"), ("terminated", "?"), ("kind", "u1"), ("human", "?")], align=True)
"""What the kernels know of a row; ``human``: a person chose its action."""
RETURN: Final = np.dtype([("reward", "f4"), ("discount", "f4"), ("next", "i8")], align=True)
"""An n-step return and the row of the observation that it ends in."""


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


@njit(cache=True, nogil=True, error_model="numpy")
def window_rows(table: NDArray, start: NDArray, first: int, rows: NDArray, mask: NDArray) -> None:
    """Rows from ``first`` <= 0 steps after each row of ``start`` on, which must be of kind STEP.

    None of them is of another episode, and each has an action: beyond its steps the nearest one is repeated.

    Args:
        table: Ring of rows, (C,) TABLE.
        start: (B,).
        first: Where a window begins, at most 0, not before its last row.
        rows: Result, (B, W).
        mask: Result, False where a row is a repeated one, (B, W).
    """
    for b in range(len(start)):
        row, inside = start[b], True
        for k in range(-first, -1, -1):
            rows[b, k], mask[b, k] = row, inside
            before = (row - 1) % len(table)
            inside = inside and table[before]["kind"] == STEP
            row = before if inside else row
        row, inside = start[b], True
        for k in range(-first + 1, rows.shape[1]):
            after = (row + 1) % len(table)
            inside = inside and table[after]["kind"] == STEP
            row = after if inside else row
            rows[b, k], mask[b, k] = row, inside
