"""The two sides of an episode as records: the plant with its line, and the log for the observer."""

from __future__ import annotations

from typing import NamedTuple

from robot_rl.core.records import Array
from sim.stepper import Plant

PACKETS = 4
"""State packets under way at most; a delay is less [ticks]."""
HAND = 40.0
"""Force of the hand that A16 relies on [N]."""
COLUMNS = (
    "tank spring work discard draw reserve barrier alpha beta gamma kinetic true_kinetic force contact push potential "
    "mode ticked lost pull twist inside stopped"
).split()
AFTER_STOP = 100
"""Ticks that an episode goes on after the robot has stopped by itself."""
COLUMN = {name: i for i, name in enumerate(COLUMNS)}
"""Place of every figure in a row of ``Log.values``."""


class Line(NamedTuple):
    """The line between arm and controller, and hands on the arm (``plants.Trouble``)."""

    burst: float
    drop: float
    delay: int
    noise: float
    shake: float


class World(NamedTuple):
    """The plant and what the line carries."""

    plant: Plant
    line: Line
    positions: Array
    """Packets (PACKETS, n) [rad], and so on."""
    velocities: Array
    externals: Array
    torques: Array
    applied: Array
    """Torque that the arm holds, (n,) [N m]."""
    pushing: Array
    """Joint torque of outside hands, (n,) [N m]."""
    hand: Array
    """Their force at the tool (3,) [N], direction (3,), and frequency [Hz]."""
    touch: Array
    """Sensor: contact force of the finger tip, (1,) [N]; empty without walls."""
    energy: Array
    """MuJoCo's potential and kinetic energy, (2,) [J]."""
    places: Array
    """Centres of mass of all bodies, (bodies, 3) [m]."""
    weights: Array
    """Force of uncompensated gravity on them, (bodies, 3) [N]."""


class Log(NamedTuple):
    """What the observer gets."""

    q: Array
    """True joint positions before every step and after the last, (ticks + 1, n) [rad]."""
    tau: Array
    """Torque that the arm really held during every step, (ticks, n) [N m]."""
    values: Array
    """What the controller and the plant say, (ticks, len(COLUMNS))."""


class Course(NamedTuple):
    """What happens in an episode."""

    kind: int
    """Which adversary."""
    every: int
    """Ticks between its commands."""
    ticks: int
    echo: int
    """Every command arrives: 0 once, 1 with its quaternion's sign turned, 2 twice, 3 with an older one after it."""
