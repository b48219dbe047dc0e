"""The 64-bit words that the processes of an arm share, each on its own cache line, and who writes them."""

from __future__ import annotations

from enum import IntEnum

from controllers.numeric.atomics import atomic_load, atomic_store
from controllers.numeric.jit import kernel

LINE = 64
WORDS = 32
HOLD, SILENT = 1, 16
"""Bits of ``Word.ASKED`` that the loop itself knows: hold now; whoever passes the commands on is silent."""


class Word(IntEnum):
    """Number of a word; times are monotonic [ns]."""

    READY = 0
    SEQLOCK = 1
    MIDDLE = 2
    WRITER = 3
    READER = 4
    BRIDGE_BEAT = 5
    """Bridge: when it last gave a sign of life."""
    RESET_ASKED = 6
    RESET_SEED = 7
    RESET_DONE = 8
    ASKED = 9
    """Anyone: bits of what the next tick shall do (``HOLD`` and the others); the arm takes them all at once."""
    HALTED = 10
    ARM_BEAT = 11
    """Arm: when it last finished a cycle; 0 while it is parked for a reset or not yet started."""
    ADVANCE_TO = 12
    """Anyone, in lockstep: the tick that the arm may run to."""
    TOTAL = 13
    """Arm: ticks since it started."""
    RESET_REFUSED = 15
    """Arm: the last reset that it refused."""
    HELD_AT = 14
    """Arm: when the first torque after the last thing asked, halt or loss of the bridge was applied."""


@kernel
def read_word(base: int, word: int) -> int:
    """The word of number ``word``; ``base`` is the address of word 0."""
    return atomic_load(base + LINE * word)


@kernel
def write_word(base: int, word: int, value: int) -> None:
    """Store ``value`` in the word of number ``word``."""
    atomic_store(base + LINE * word, value)
