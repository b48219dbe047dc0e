"""Arrays that change their owner."""

from __future__ import annotations

from numpy.typing import NDArray


class HandedOver(dict[str, NDArray]):
    """Arrays that nobody else writes to any more: whoever gets them may use their memory instead of copying it."""
