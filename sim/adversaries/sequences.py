"""Adversaries A19 and A20: chunks of waypoints with time stamps, and switches between all that an arm can be doing."""

from __future__ import annotations

import math

from controllers.guard.estop import release
from controllers.law.interpolation import accept_chunk, hold
from controllers.numeric.jit import kernel
from controllers.numeric.rotations import pose_add_into
from sim.adversaries.dice import uniform, whole
from sim.adversaries.game import Game
from sim.adversaries.physical import bang_bang, pump

CALM = 40
"""Place in ``Game.memory``: rate of the damping that stands in for the springs [1/s]; 0: the law as it is."""
LONGEST = 64
"""Waypoints of a chunk at most."""
REACH, TWIST = 0.14, 0.7
"""How far a waypoint is from the reference [m, rad]: there and back is just within what is accepted."""
NUMBERS = (math.nan, math.inf, -math.inf, 1e308, 0.0)


@kernel
def restless(game: Game, step: int) -> None:
    """What A19 and A20 ask for beside their sequences and switches: the pump, or always ahead of the motion."""
    if step // 25 % 2 == 0:
        bang_bang(game)
    else:
        pump(game, step)


@kernel
def _way(game: Game, style: int, i: int) -> None:
    """``move`` of waypoint ``i``: to and fro, always further along the motion, or anywhere."""
    for k in range(6):
        reach = REACH if k < 3 else TWIST
        if style == 0:
            game.move[k] = (reach if i % 2 == 0 else -reach) * (1.0 if k % 3 == whole(game.dice, 3) else 0.3)
        elif style == 1:
            game.move[k] = reach * (i + 1) / LONGEST * (1.0 if game.state.ee_twist[k] > 0.0 else -1.0)
        else:
            game.move[k] = uniform(game.dice, -0.57 * reach, 0.57 * reach)


@kernel
def _spoil(game: Game, count: int) -> None:
    """One number of the chunk is none or immense, a stamp does not rise, or a quaternion turns over."""
    points, row = game.state.waypoints_new, whole(game.dice, count)
    kind = whole(game.dice, 4)
    if kind == 0:
        points[row, whole(game.dice, 8)] = NUMBERS[whole(game.dice, 5)]
    elif kind == 1:
        points[row, 0] = points[max(0, row - 1), 0]
    elif kind == 2:
        points[row, 0] += uniform(game.dice, -1.0, 1.0)
    else:
        for k in range(4, 8):
            points[row, k] = -points[row, k]


@kernel
def _write(game: Game, now: float) -> int:
    """Write a chunk where the controller looks for it; returns how many waypoints it has."""
    state, command = game.state, game.commands[0]
    count, style = 1 + whole(game.dice, LONGEST), whole(game.dice, 4)
    stamp, spacing = now + uniform(game.dice, -0.1, 0.1), uniform(game.dice, 0.001, 0.05)
    for i in range(count):
        _way(game, style, i)
        state.waypoints_new[i, 0] = stamp + i * spacing
        pose_add_into(state.reference, game.move, state.waypoints_new[i, 1:])
    if whole(game.dice, 4) == 0:
        _spoil(game, count)
    command.stamp = now
    command.valid_until = now + uniform(game.dice, 0.0, 0.5)
    return count


@kernel
def send_chunk(game: Game, echo: int, now: float) -> None:
    """A19: a chunk, which may arrive while another is played; ``echo`` as in ``Course``."""
    state, command = game.state, game.commands[0]
    count = _write(game, now)
    if echo == 1:
        for i in range(count):
            for k in range(4, 8):
                state.waypoints_new[i, k] = -state.waypoints_new[i, k]
    accept_chunk(game.config, state, command, count, now)
    if echo == 2:
        accept_chunk(game.config, state, command, count, now)
    elif echo == 3:
        command.seq -= 1
        state.waypoints_new[:, 1] += 0.05
        accept_chunk(game.config, state, command, count, now)


@kernel
def switch(game: Game, now: float) -> None:
    """A20: what the guard may do to the law at any moment: hold, let go, damp, soften; or commands that end at once."""
    state, command, kind = game.state, game.commands[0], whole(game.dice, 10)
    game.memory[CALM] = 0.0
    state.soften_goal = 1.0
    if kind == 0:
        hold(state)
    elif kind == 1:
        release(state)
    elif kind == 2:
        release(state)
        game.memory[CALM] = 25.0
    elif kind == 3:
        state.soften_goal = uniform(game.dice, 0.0, 1.0)
    elif kind == 4:
        command.valid_until = now
    elif kind == 5:
        command.duration = uniform(game.dice, 0.0, 0.5)
