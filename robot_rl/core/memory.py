"""How a process keeps its memory."""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD, TRIM_THRESHOLD, TOP_PAD = -3, -1, -2
"""Parameters of glibc's ``mallopt``."""


def keep_freed() -> None:
    """Keep freed memory for what comes next, from here on and in the whole process; nothing without glibc.

    Tensors and messages of a megabyte come and go hundreds of times per second; glibc would map and unmap each of
    them, and the page faults would cost more than what is done with the memory.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, 1 << 30)
        mallopt(TRIM_THRESHOLD, 1 << 30)
        mallopt(TOP_PAD, 1 << 26)
