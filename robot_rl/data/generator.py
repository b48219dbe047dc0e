"""What a random generator's state looks like when a checkpoint keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from robot_rl.core.errors import CheckpointError

State = Mapping[str, Any]
"""Numbers, text and mappings of them: JSON keeps it."""


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Everything that decides what ``rng`` draws next."""
    return dict(rng.bit_generator.state)


def restore_generator(rng: np.random.Generator, state: State) -> None:
    """Let ``rng`` draw what the generator of ``state`` would have drawn next."""
    try:
        rng.bit_generator.state = dict(state)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError("the state of a random generator cannot be read: start from another checkpoint") from None
