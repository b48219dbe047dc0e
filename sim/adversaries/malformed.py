"""Adversaries A7 to A11, A14 and A15: commands that are wrong in form, order, frame or origin (control.md §2.9)."""

from __future__ import annotations

import math

from controllers.numeric.jit import kernel
from sim.adversaries.dice import normal, uniform, whole
from sim.adversaries.game import RING, Game
from sim.adversaries.physical import random_jumps

POISON = (math.nan, math.inf, -math.inf, 5e-324, 1e308, -1e308)
GAINS = (1e6, -1e6, -0.0, 0.0, math.nan, 1e-300)


@kernel
def spoil_quaternion(game: Game) -> None:
    """A7: the other sign, a wrong length, noise, or nothing at all."""
    quat, kind = game.commands[0].pose[3:], whole(game.dice, 5)
    if kind == 0:
        scale = -1.0
    elif kind == 1:
        scale = uniform(game.dice, 0.98, 1.02)
    elif kind == 2:
        scale = 0.0
    else:
        scale = 1.0
    for i in range(4):
        quat[i] = scale * quat[i] + (1e-3 * normal(game.dice) if kind == 3 else 0.0)


@kernel
def poison(game: Game) -> None:
    """A8: not a number, infinite, denormal or huge, in any one field."""
    value, place, command = POISON[whole(game.dice, 6)], whole(game.dice, 20), game.commands[0]
    if place < 7:
        command.pose[place] = value
    elif place < 9:
        command.stiffness[place - 7] = value
    elif place == 9:
        command.stamp = value
    elif place == 10:
        command.valid_until = value
    elif place == 11:
        command.duration = value
    elif place == 12:
        command.gripper = value
    elif place < 19:
        command.feed_forward[place - 13] = value


@kernel
def replay(game: Game, step: int) -> None:
    """A10: old commands again, twice, out of order, with clocks that jump a second."""
    kind, command = whole(game.dice, 5), game.commands[0]
    game.commands[1 + step % RING] = command
    if kind == 0:
        game.commands[0] = game.commands[1 + whole(game.dice, RING)]
    elif kind == 1:
        command.seq -= whole(game.dice, 40)
    elif kind == 2:
        command.seq += whole(game.dice, 3)
    elif kind == 3:
        shift = uniform(game.dice, -1.0, 1.0)
        command.stamp += shift
        command.valid_until += shift


@kernel
def _matrix(game: Game) -> None:
    """The upper triangle of a matrix: diagonal within the range, what is beside it anything up to indefinite."""
    command, m, bold = game.commands[0], 0, uniform(game.dice, 0.0, 1.2)
    command.has_stiffness, command.stiffness_frame = 21, whole(game.dice, 3)
    for i in range(6):
        for j in range(i, 6):
            low, high = game.config.k_min[j // 3], game.config.k_max[j // 3]
            reach = bold * math.sqrt(game.config.k_max[i // 3] * high) / 4.0
            command.stiffness[m] = uniform(game.dice, low, high) if i == j else uniform(game.dice, -reach, reach)
            m += 1
    if whole(game.dice, 8) == 0:
        command.stiffness[whole(game.dice, 21)] = GAINS[whole(game.dice, 6)]


@kernel
def absurd_gains(game: Game) -> None:
    """A11: whole matrices of stiffness, some indefinite, in any axes; or numbers that are negative, immense or none."""
    command = game.commands[0]
    if uniform(game.dice, 0.0, 1.0) < 0.6:
        _matrix(game)
        return
    for i in range(2):
        kind = whole(game.dice, 4)
        if kind == 0:
            command.stiffness[i] = GAINS[whole(game.dice, 6)]
        elif kind == 1:
            command.stiffness[i] = game.config.k_max[i]
        elif kind == 2:
            command.stiffness[i] = game.config.k_min[i]


@kernel
def swap_frame(game: Game, step: int) -> None:
    """A14: from some step on the sender takes another frame for the base: axes change places or signs."""
    if step == 0:
        game.memory[0] = 10.0 + whole(game.dice, 40)
    random_jumps(game)
    if step >= game.memory[0]:
        x, y, z = game.move[0], game.move[1], game.move[2]
        game.move[0], game.move[1], game.move[2] = -y, z, x
        game.move[3], game.move[4] = game.move[4], -game.move[3]


@kernel
def whole_frame(game: Game) -> None:
    """A14: the pose itself in another frame, turned by a quarter about the vertical."""
    pose = game.commands[0].pose
    pose[0], pose[1] = -pose[1], pose[0]


@kernel
def two_owners(game: Game, step: int) -> None:
    """A15: two sources that take turns and want opposite things."""
    side = 1.0 if step % 2 == 0 else -1.0
    for i in range(3):
        game.move[i] = side * (0.15 if i == step // 60 % 3 else 0.0)
        game.move[3 + i] = side * (0.8 if i == step // 30 % 3 else 0.0)
        game.gains[i % 2] = game.config.k_max[i % 2] if side > 0.0 else game.config.k_min[i % 2]


@kernel
def as_owner(game: Game, step: int) -> None:
    """A15: the sender's name and its own count."""
    game.commands[0].source = 1 + step % 2
    game.commands[0].seq = step // 2
