"""Adversaries A17 and A18: a sequence found by search through the twin, and a small network that was trained to drain.

Both speak in actions (8,) in [-1, 1]: displacement of the target (6), stiffness (2).
"""

from __future__ import annotations

import math

import numpy as np

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from robot_rl.core.records import Array
from sim.adversaries.game import Game
from sim.adversaries.physical import FAR, TURN

ACTION = 8
FEATURES = 16
HIDDEN = 16
WEIGHTS = (FEATURES + 1) * HIDDEN + (HIDDEN + 1) * ACTION
"""Numbers that the network of A18 has."""
ROWS = WEIGHTS // ACTION
"""Rows of ``Game.table`` that hold them, or that A17 plays one after the other."""


@kernel
def _perform(game: Game, i: int, value: float) -> None:
    """Translate number ``i`` of an action."""
    value = min(max(value, -1.0), 1.0)
    if i < 6:
        game.move[i] = value * (FAR if i < 3 else TURN) * 0.57
    else:
        low, high = game.config.k_min[i - 6], game.config.k_max[i - 6]
        game.gains[i - 6] = min(max(low * (high / low) ** (0.5 + 0.5 * value), low), high)


@kernel
def play(game: Game, step: int) -> None:
    """A17: the next row of the table."""
    row = step % game.table.shape[0]
    for i in range(ACTION):
        _perform(game, i, game.table[row, i])


@kernel
def _feature(game: Game, i: int) -> float:
    """What A18 sees: errors, twist, tank, spring, force at the tool, a clock."""
    state = game.state
    if i < 6:
        return 10.0 * state.error[i] if i < 3 else 2.0 * state.error[i]
    if i < 12:
        return 4.0 * state.ee_twist[i - 6]
    if i == 12:
        return state.T / game.config.T0
    if i == 13:
        return state.V
    return norm3(state.wrench, 0) / 50.0 if i == 14 else math.sin(10.0 * state.stamp)


@kernel
def infer(game: Game) -> None:
    """A18: the network's action; its weights are the rows of the table one after the other."""
    columns = game.table.shape[1]
    hidden, at = game.memory, 0
    for h in range(HIDDEN):
        total = game.table[at // columns, at % columns]
        at += 1
        for i in range(FEATURES):
            total += game.table[at // columns, at % columns] * _feature(game, i)
            at += 1
        hidden[h] = math.tanh(total)
    for k in range(ACTION):
        total = game.table[at // columns, at % columns]
        at += 1
        for h in range(HIDDEN):
            total += game.table[at // columns, at % columns] * hidden[h]
            at += 1
        _perform(game, k, math.tanh(total))


def random_table(rng: np.random.Generator) -> Array:
    """A table to start a search from, (ROWS, ACTION)."""
    return rng.uniform(-1.0, 1.0, (ROWS, ACTION))
