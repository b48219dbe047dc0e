"""Settings of a process that trains on the CPU."""

from __future__ import annotations

import torch

from robot_rl.core.memory import keep_freed


def prepare(threads: int = 1) -> None:
    """Use ``threads`` cores and keep freed memory."""
    torch.set_num_threads(threads)
    keep_freed()
