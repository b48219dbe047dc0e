"""What an adversary sees and moves: the controller's records, and one command that it may fill with anything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from controllers.law.state import command_dtype
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import norm3
from controllers.numeric.rotations import pose_add_into
from robot_rl.core.records import Array
from sim.adversaries.dice import uniform

MEMORY = 64
RING = 8
"""How many commands A10 remembers."""


class Game(NamedTuple):
    """One side of an episode. Arrays are the adversary's own scratch."""

    config: np.void
    state: np.void
    commands: Array
    """Records: the command that is sent next, then RING that were sent before."""
    move: Array
    """Displacement of the target from the reference, (6,) [m, rad]."""
    gains: Array
    """Stiffness to ask for, (2,) [N/m, N m/rad]."""
    push: Array
    """Wrench to ask for as feed-forward, (6,) [N, N m]."""
    memory: Array
    """(MEMORY,), zero at the start of an episode."""
    dice: Array
    """Random stream, (1,) uint64."""
    table: Array
    """A17: rows of actions (K, 8) in [-1, 1]; A18: weights."""


def new_game(config: np.void, state: np.void, table: Array) -> Game:
    """A game against the controller with these records."""
    return Game(
        config=config,
        state=state,
        commands=np.zeros(1 + RING, command_dtype()),
        move=np.zeros(6),
        gains=np.zeros(2),
        push=np.zeros(6),
        memory=np.zeros(MEMORY),
        dice=np.zeros(1, np.uint64),
        table=table,
    )


@kernel
def soften(game: Game) -> None:
    """Ask for the softest springs."""
    game.gains[:] = game.config.k_min


@kernel
def stiffen(game: Game) -> None:
    """Ask for the stiffest springs."""
    game.gains[:] = game.config.k_max


@kernel
def push_along(game: Game) -> None:
    """Ask for the largest wrench along the motion: its power is never negative."""
    for i in range(6):
        limit = 2.0 * game.config.feed_forward_max[i // 3]
        game.push[i] = limit if game.state.ee_twist[i] > 0.0 else -limit


@kernel
def direct(game: Game, start: int, length: float) -> None:
    """Give the linear (0) or angular (3) part of the move this length; at random when it has none."""
    size = norm3(game.move, start)
    while size < 1e-9:
        for i in range(start, start + 3):
            game.move[i] = uniform(game.dice, -1.0, 1.0)
        size = norm3(game.move, start)
    for i in range(start, start + 3):
        game.move[i] *= length / size


@kernel
def compose(game: Game, seq: int, now: float) -> None:
    """Make the command out of move and gains, correct in every respect."""
    command = game.commands[0]
    pose_add_into(game.state.reference, game.move, command.pose)
    command.stamp, command.valid_until, command.duration = now, now + 0.2, 0.0
    command.seq, command.source, command.gripper = seq, 1, 0.0
    command.has_stiffness = 2
    command.stiffness[0], command.stiffness[1] = game.gains[0], game.gains[1]
    command.feed_forward[:] = game.push
