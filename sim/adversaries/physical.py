"""Adversaries A1 to A6, A12, A13 and A16: well-formed commands that pump energy into the arm (control.md §2.9)."""

from __future__ import annotations

import math

from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, norm3
from sim.adversaries.dice import uniform, whole
from sim.adversaries.game import Game, direct, push_along, soften, stiffen

FAR, TURN = 0.25, 1.5
"""Largest displacement that a command asks for [m, rad]; a turn of more is refused."""


@kernel
def random_jumps(game: Game) -> None:
    """A1: random targets, stiffnesses and wrenches."""
    for i in range(3):
        game.push[i] = uniform(game.dice, -40.0, 40.0)
        game.move[i] = uniform(game.dice, -0.15, 0.15)
        game.move[3 + i] = uniform(game.dice, -0.8, 0.8)
    for i in range(2):
        game.gains[i] = uniform(game.dice, game.config.k_min[i], game.config.k_max[i])


@kernel
def bang_bang(game: Game) -> None:
    """A2: the target always ahead of the motion, as stiff as can be, and a wrench along it."""
    stiffen(game)
    push_along(game)
    game.move[:] = game.state.ee_twist
    direct(game, 0, FAR)
    direct(game, 3, TURN)


@kernel
def pump(game: Game, step: int) -> None:
    """A3: stiff when the spring pulls the arm along, soft while it is stretched; or the other way round."""
    if step == 0:
        game.memory[0] = 1.0 if uniform(game.dice, 0.0, 1.0) < 0.7 else -1.0
        game.memory[1] = 1.0 + whole(game.dice, 3)
    along = dot(game.state.error[:3], game.state.ee_twist[:3]) < 0.0
    if along == (game.memory[0] > 0.0):
        stiffen(game)
    else:
        soften(game)
    period = int(game.memory[1])
    game.move[:] = 0.0
    game.move[step // (4 * period) % 3] = FAR if step // period % 2 == 0 else -FAR


@kernel
def press(game: Game, step: int) -> None:
    """A4: hard against the wall, off it, again."""
    stiffen(game)
    game.move[:] = 0.0
    game.move[2] = -FAR if step % 8 < 6 else FAR
    game.move[1] = uniform(game.dice, -0.1, 0.1)


@kernel
def curl(game: Game, step: int) -> None:
    """A5: a circle whose plane turns, always a quarter ahead of the arm, and a wrench along the motion."""
    stiffen(game)
    push_along(game)
    angle = 0.7 * step
    game.move[:] = 0.0
    game.move[step // 20 % 3] = FAR * math.cos(angle)
    game.move[(step // 20 + 1) % 3] = FAR * math.sin(angle)
    game.move[3 + step // 20 % 3] = 1.2 * math.sin(angle)


@kernel
def flips(game: Game) -> None:
    """A6: rotations to and fro; some so large that they must be refused."""
    stiffen(game)
    game.move[:] = 0.0
    direct(game, 3, uniform(game.dice, 2.5, math.pi) if uniform(game.dice, 0.0, 1.0) < 0.2 else TURN)


@kernel
def surf(game: Game, step: int) -> None:
    """A12: along the faces and into the corners of the workspace, a millimetre inside or outside."""
    stiffen(game)
    if step % 10 == 0:
        for i in range(3):
            low, high = game.config.box_min[i] + 1e-3, game.config.box_max[i] - 1e-3
            side = whole(game.dice, 4)
            game.memory[i] = low if side == 0 else high if side == 1 else uniform(game.dice, low - 0.002, high + 0.002)
    for i in range(3):
        game.move[i] = game.memory[i] - game.state.reference[i]
        game.move[3 + i] = uniform(game.dice, -0.3, 0.3)
    if norm3(game.move, 0) > FAR:
        direct(game, 0, FAR)


@kernel
def stretch(game: Game, step: int) -> None:
    """A13: to where the arm is stretched or folded, and there across the direction that it has lost."""
    stiffen(game)
    game.move[:] = 0.0
    outward = 1.0 if step // 40 % 2 == 0 else -1.0
    for i in range(3):
        game.move[i] = outward * (game.state.ee_pose[i] - (0.333 if i == 2 else 0.0))
    direct(game, 0, FAR)
    game.move[3 + step % 3] = 1.0 if step % 2 == 0 else -1.0


@kernel
def drain(game: Game, step: int) -> None:
    """A16, first half: spend what there is; what then pushes is the plant's hand (``episode``)."""
    pump(game, step)
    if step % 3 == 0:
        game.move[:] = game.state.ee_twist
        direct(game, 0, FAR)
        stiffen(game)
