"""Arrays that change their owner."""

from __future__ import annotations

from numpy.typing import NDArray

ALIGNMENT = 64
"""Where in memory arrays begin that are handed over or sent: at multiples of it, as torch's own tensors do [bytes]."""


class HandedOver(dict[str, NDArray]):
    """Arrays that nobody else writes to any more: whoever gets them may use their memory instead of copying it."""
