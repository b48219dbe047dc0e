"""One episode of adversary against controller, thousands of ticks in one call, with a log for the observer."""

from __future__ import annotations

import numpy as np

from controllers.guard.estop import apply_instead, damping_torque
from controllers.law.interpolation import accept
from controllers.law.tick import tick
from controllers.numeric.jit import kernel
from controllers.numeric.linalg import dot, matvec_transposed_into, norm3
from sim.adversaries.dice import normal, uniform, whole
from sim.adversaries.game import Game
from sim.adversaries.plants import LONGEST_BURST
from sim.adversaries.policies import BURSTS, CHUNKS, DRAIN, SWITCHES, prepare
from sim.adversaries.sequences import CALM, send_chunk, switch
from sim.adversaries.world import AFTER_STOP, HAND, PACKETS, Course, Log, World
from sim.native import call_model_data
from sim.stepper import ENGAGED, drive, forget_torque, protect


@kernel
def _send(course: Course, game: Game, step: int, now: float) -> None:
    command = game.commands[0]
    prepare(course.kind, game, step, now)
    if course.kind == SWITCHES:
        switch(game, now)
    if course.kind == CHUNKS or (course.kind == SWITCHES and step % 5 == 4):
        send_chunk(game, course.echo, now)
        return
    if course.echo == 1:
        for i in range(3, 7):
            command.pose[i] = -command.pose[i]
    accept(game.config, game.state, command, now)
    if course.echo == 2:
        accept(game.config, game.state, command, now)
    elif course.echo == 3:
        command.seq -= 1
        command.pose[0] += 0.05
        accept(game.config, game.state, command, now)


@kernel
def _command(course: Course, game: Game, i: int, now: float) -> None:
    """The adversary's turn: every so many ticks; A9 at every tick of half a second, then not at all for as long."""
    if course.kind == BURSTS:
        if now % 1.0 < 0.5:
            _send(course, game, i, now)
    elif i % course.every == 0 and not (course.kind == DRAIN and 2 * i > course.ticks):
        _send(course, game, i // course.every, now)


@kernel
def _exchange(arm: np.void, world: World, game: Game, course: Course, i: int) -> None:
    """State packet to the controller, torque back; a robot takes no torque that jumps further than it allows."""
    now = i * game.config.period
    state, line, plant, n = game.state, world.line, world.plant, world.applied.shape[0]
    slot = max(0, i - line.delay) % PACKETS
    for j in range(n):
        state.tau[j] = world.torques[slot, j]
        if line.noise > 0.0:
            world.positions[slot, j] += line.noise * normal(game.dice)
    tick(arm, game.config, state, world.positions[slot], world.velocities[slot], world.externals[slot], now)
    if course.kind == SWITCHES and game.memory[CALM] > 0.0:
        damping_torque(state, game.memory[CALM], state.null_b)
        apply_instead(arm, game.config, state, world.torques[slot], state.null_b)
    if line.drop > 0.0 and uniform(game.dice, 0.0, 1.0) < line.drop:
        return
    for j in range(plant.q.shape[0]):
        reach = arm.dtau_max[j] * game.config.period * (1.0 + 1e-12)
        world.applied[j] = min(max(state.tau[j], world.applied[j] - reach), world.applied[j] + reach)


@kernel
def _hands(course: Course, world: World, game: Game, i: int, now: float) -> None:
    """Forces from outside on the tool: shaking, or along its motion; a hard push after A16 has drained the tank."""
    limit = world.line.shake
    if course.kind == DRAIN and 2 * i > course.ticks:
        limit = max(limit, HAND)
    world.pushing[:] = 0.0
    if limit == 0.0:
        return
    if i % 400 == 0:
        for k in range(3):
            world.hand[3 + k] = uniform(game.dice, -0.577, 0.577)
        world.hand[6] = uniform(game.dice, 0.5, 12.0)
    along = i // 400 % 3 == 2
    speed = norm3(game.state.ee_twist, 0)
    phase = np.sin(2.0 * np.pi * world.hand[6] * now)
    for k in range(3):
        world.hand[k] = limit * phase * world.hand[3 + k]
        if along:
            world.hand[k] = limit * game.state.ee_twist[k] / max(speed, 0.05)
    matvec_transposed_into(game.state.jacobian[:3], world.hand[:3], world.pushing)


@kernel
def _packet(world: World, i: int) -> None:
    """The state at this tick, with the torque held since the last one, as one packet."""
    slot = i % PACKETS
    world.positions[slot] = world.plant.q
    world.velocities[slot] = world.plant.dq
    world.externals[slot] = world.plant.tau_external
    world.torques[slot] = world.applied


@kernel
def _note(log: Log, world: World, game: Game, i: int) -> None:
    """One row of the log, after the step."""
    s, row = game.state, log.values[i]
    row[0], row[1], row[2], row[3], row[4] = s.T, s.V, s.work, s.discard, s.draw
    row[5], row[6], row[7], row[8], row[9] = s.reserve, s.barrier, s.alpha, s.beta, s.gamma_active
    row[10], row[11], row[12] = s.kinetic, world.energy[1], 0.0
    for k in range(world.touch.shape[0]):
        row[12] += world.touch[k]
    row[13], row[14], row[15] = 0.0, 0.0, 0.0
    for j in range(world.applied.shape[0]):
        moved = world.plant.q[j] - log.q[i, j]
        row[13] += world.plant.tau_external[j] * moved
        row[14] += world.pushing[j] * moved
    for b in range(world.weights.shape[0]):
        row[15] -= dot(world.weights[b], world.places[b])
    row[16] = s.mode


@kernel
def _note_springs(log: Log, game: Game, i: int) -> None:
    s, row = game.state, log.values[i]
    row[19], row[20] = 0.0, norm3(s.spring_wrench, 3)
    row[21] = 1.0
    for k in range(3):
        row[19] = max(row[19], abs(s.spring_wrench[k]))
        if not game.config.box_min[k] <= s.ee_pose[k] <= game.config.box_max[k]:
            row[21] = 0.0


@kernel
def _step(arm: np.void, world: World, game: Game, log: Log, i: int) -> None:
    """The torque that the arm holds, or its own brakes; hands; physics; and what the robot then minds by itself."""
    if world.plant.stop[ENGAGED] != 0:
        world.applied[:] = 0.0
    drive(game.state, world.plant, world.applied)
    for j in range(world.applied.shape[0]):
        log.tau[i, j] = world.applied[j]
        world.plant.applied[j] += world.pushing[j]
    log.values[i, 22] = world.plant.stop[ENGAGED]
    call_model_data(world.plant.step, world.plant.model, world.plant.data)
    protect(arm, world.plant)


@kernel
def play_episode(arm: np.void, world: World, game: Game, course: Course, log: Log) -> int:
    """Play ``course.ticks`` ticks, or ``AFTER_STOP`` more after the robot has stopped by itself; returns how many.

    The controller and the plant were reset before.
    """
    lost, played, end = 0, 0, course.ticks
    while played < end:
        i, now = played, played * game.config.period
        log.q[i, :] = world.plant.q
        _packet(world, i)
        if world.plant.stop[ENGAGED] != 0:
            forget_torque(game.state)
            end = min(end, i + AFTER_STOP) if log.values[i - 1, 22] == 0.0 else end
        _command(course, game, i, now)
        if lost == 0 and world.line.burst > 0.0 and uniform(game.dice, 0.0, 1.0) < world.line.burst:
            lost = 1 + whole(game.dice, LONGEST_BURST)
        log.values[i, 17], log.values[i, 18] = (1.0, 0.0) if lost == 0 else (0.0, 1.0)
        if lost > 0:
            lost -= 1
        else:
            _exchange(arm, world, game, course, i)
        _hands(course, world, game, i, now)
        _step(arm, world, game, log, i)
        _note(log, world, game, i)
        _note_springs(log, game, i)
        played += 1
    log.q[played, :] = world.plant.q
    return played
