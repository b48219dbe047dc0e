"""How old what a step used was, and whether it came on time: a ledger of every step, kept in its dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Of one step. Ages are NaN where nobody measured them; in a lockstep twin no time passes while a policy thinks."""

    observation_age: float = math.nan
    """Of the oldest measurement or image in the observation when the arm got the command [s]."""
    action_age: float = math.nan
    """Of the observation from which the action was planned when the arm got the command [s]; later rows of a chunk are
    older."""
    overrun: float = 0.0
    """How far observing, choosing and sending ran beyond the step's period [s]; 0: on time."""
    missed: int = 0
    """Whole periods that were dropped because of that."""
    weights_version: int = 0
    """Version of the weights that chose the action; 0: those the policy came with, or no policy."""
    weights_age: float = math.nan
    """Of those weights since the learner published them [s]."""


UNKNOWN: Final = Freshness()
"""Of a step that nobody timed."""
