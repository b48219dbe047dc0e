"""What an arm knows of its gripper: where the fingers shall be, and where they are. Two small arrays, no calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from robot_rl.core.records import Array


class Hand(Protocol):
    """A gripper as the loop sees it. Both arrays may be filled by another process; the loop only reads and writes."""

    target: Array
    """Where each finger shall be, half the opening, (f,) [m]."""
    measured: Array
    """Where each finger is, (f,) [m]."""
    widest: float
    """Widest opening [m]; final once it is open."""

    def open(self) -> None:
        """Connect; nothing moves."""
        ...

    def close(self) -> None:
        """Disconnect; the fingers stay where they are."""
        ...


class NoHand:
    """An arm without a gripper."""

    def __init__(self) -> None:
        self.target, self.measured, self.widest = np.zeros(0), np.zeros(0), 0.0

    def open(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class HandSettings:
    """What a gripper is told."""

    kind: str
    """``franka_hand`` or ``robotiq``."""
    address: str
    """Of its control unit."""
    force: float = 20.0
    """With which it holds [N]."""
    speed: float = 0.1
    """Of its fingers [m/s]."""
    widest: float = 0.085
    """Widest opening of a gripper that does not tell [m]."""


class HandDriver(Protocol):
    """A gripper's wire."""

    def open(self) -> float:
        """Connect, without any motion; the widest opening [m]."""
        ...

    def opening(self) -> float:
        """The distance between the fingers [m]."""
        ...

    def go(self, opening: float) -> None:
        """Open or close; may block."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...
