"""Breaks an operation off at its n-th call to the file system, as a power cut does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


class PulledPlugError(BaseException):
    """Not an Exception: nothing may catch it."""


def pull_plug(patch: pytest.MonkeyPatch, calls: Sequence[tuple[Any, str]], survive: int) -> list[int]:
    """Make every one of ``calls`` (where, name) fail from call number ``survive`` (from 0) on; how many are left."""
    left = [survive]

    def counted(real):
        def wrapped(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise PulledPlugError
            return real(*args, **kwargs)

        return wrapped

    for where, name in calls:
        patch.setattr(where, name, counted(getattr(where, name)))
    return left
