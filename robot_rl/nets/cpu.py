"""Settings of a process that trains on the CPU."""

from __future__ import annotations

import ctypes

import torch

MMAP_THRESHOLD, TRIM_THRESHOLD, TOP_PAD = -3, -1, -2
"""Parameters of glibc's ``mallopt``."""


def prepare(threads: int = 1) -> None:
    """Use ``threads`` cores and keep freed memory.

    Tensors of a megabyte come and go hundreds of times per second; glibc would map and unmap each of them, and the
    page faults would cost as much as the arithmetic.
    """
    torch.set_num_threads(threads)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, 1 << 30)
        mallopt(TRIM_THRESHOLD, 1 << 30)
        mallopt(TOP_PAD, 1 << 26)
