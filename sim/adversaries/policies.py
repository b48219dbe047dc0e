"""The roll of the adversaries: who they are, and which kernel plays them."""

from __future__ import annotations

import math

from controllers.numeric.jit import kernel
from sim.adversaries.game import Game, compose, soften
from sim.adversaries.learned import infer, play
from sim.adversaries.malformed import (
    absurd_gains,
    as_owner,
    poison,
    replay,
    spoil_quaternion,
    swap_frame,
    two_owners,
    whole_frame,
)
from sim.adversaries.physical import bang_bang, curl, drain, flips, press, pump, random_jumps, stretch, surf
from sim.adversaries.sequences import restless

NAMES = (
    "benign circle",
    "A1 random jumps",
    "A2 bang-bang along the motion",
    "A3 stiffness pump",
    "A4 presses on the wall",
    "A5 curl",
    "A6 rotation flips",
    "A7 spoilt quaternions",
    "A8 not-a-number and huge",
    "A9 bursts at every tick, then silence",
    "A10 replayed and shuffled",
    "A11 absurd stiffness",
    "A12 limit surfing",
    "A13 singularity seeker",
    "A14 frame swap",
    "A15 two owners",
    "A16 drain, then a push",
    "A17 searched sequence",
    "A18 trained network",
    "A19 action chunks",
    "A20 mode switches",
)
BENIGN, BURSTS, MATRICES, DRAIN, SEARCHED, TRAINED, CHUNKS, SWITCHES = 0, 9, 11, 16, 17, 18, 19, 20


@kernel
def _benign(game: Game, step: int, now: float) -> None:
    """A circle of 5 cm at 0.1 m/s about where the reference was at first."""
    if step == 0:
        for i in range(3):
            game.memory[i] = game.state.reference[i]
    game.gains[:] = game.config.stiffness[0], game.config.stiffness[3]
    game.move[:] = 0.0
    for i, x in enumerate((0.05 * (1.0 - math.cos(2.0 * now)), 0.05 * math.sin(2.0 * now), 0.0)):
        game.move[i] = game.memory[i] + x - game.state.reference[i]


@kernel
def _well_formed(kind: int, game: Game, step: int) -> None:
    if kind == 2:
        bang_bang(game)
    elif kind == 3:
        pump(game, step)
    elif kind == 4:
        press(game, step)
    elif kind == 5:
        curl(game, step)
    elif kind == 6:
        flips(game)
    else:
        random_jumps(game)


@kernel
def _elaborate(kind: int, game: Game, step: int) -> None:
    if kind == 12:
        surf(game, step)
    elif kind == 13:
        stretch(game, step)
    elif kind == 14:
        swap_frame(game, step)
    elif kind == 15:
        two_owners(game, step)
    elif kind == 16:
        drain(game, step)
    elif kind == 17:
        play(game, step)
    elif kind == TRAINED:
        infer(game)
    else:
        restless(game, step)


@kernel
def _spoil(kind: int, game: Game, step: int) -> None:
    if kind == 7:
        spoil_quaternion(game)
    elif kind == 8:
        poison(game)
    elif kind == 10:
        replay(game, step)
    elif kind == 11:
        absurd_gains(game)
    elif kind == 14 and step >= game.memory[0] + 5.0 and step % 2 == 0:
        whole_frame(game)
    elif kind == 15:
        as_owner(game, step)


@kernel
def prepare(kind: int, game: Game, step: int, now: float) -> None:
    """Write adversary ``kind``'s command number ``step`` into ``game.commands[0]``."""
    soften(game)
    game.push[:] = 0.0
    if kind == BENIGN:
        _benign(game, step, now)
    elif kind < 12:
        _well_formed(kind, game, step)
    else:
        _elaborate(kind, game, step)
    compose(game, step, now)
    _spoil(kind, game, step)
