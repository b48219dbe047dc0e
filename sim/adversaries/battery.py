"""The battery: every adversary on every plant, with every controller of a list, until so many ticks are played."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import mujoco
import numpy as np

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.parameters.presets import ControllerConfig, preset
from robot_rl.core.records import Array
from sim.adversaries import observer
from sim.adversaries.episode import play_episode
from sim.adversaries.game import new_game
from sim.adversaries.learned import ACTION, ROWS, random_table
from sim.adversaries.plants import Trouble, plant_model, provided_for, start_of
from sim.adversaries.policies import MATRICES, NAMES, SEARCHED, TRAINED
from sim.adversaries.world import COLUMNS, PACKETS, Course, Line, Log, World
from sim.stepper import plant_of

TRAINED_FILE = Path(__file__).with_name("trained.npy")
BOLD = replace(
    preset("rl_explore"), k_max=(3000.0, 300.0), wrench_max=(60.0, 8.0), clip=(0.1, 0.5), v_max=(0.3, 1.0),
    a_max=(20.0, 60.0), leash=(0.3, 1.5), lead_max=(0.3, 1.5), T0=2.0, P_max=20.0, T_res=0.4, kinetic_max=1.0,
    box_min=(0.1, -0.8, -0.1), box_max=(0.9, 0.8, 1.1), zeta=1.0, feed_forward_max=(40.0, 5.0),
    feed_forward_rate=(500.0, 25.0),
)  # fmt: skip
"""Limits as wide as the design's prototype had them, so that the filter alone stands between adversary and arm."""
CONTROLLERS = {
    "bold": BOLD,
    "bold, active": replace(
        BOLD, coriolis=1.0, friction_coulomb=(0.3,) * 7, friction_viscous=(0.5,) * 7, velocity_feed_forward=1.0
    ),
    "rl_explore": preset("rl_explore"),
    "human_near, tracking": replace(preset("human_near"), velocity_feed_forward=1.0),
    "bold, poor": replace(BOLD, wrench_max=(20.0, 4.0), T0=0.5, T_max=1.0, P_max=5.0, T_res=0.1),
    "human_near": preset("human_near"),
    "bold at 2 ms": replace(BOLD, period=0.002),
    "bold, quintic": replace(BOLD, interpolator="min_jerk"),
    "precise": preset("precise"),
    "bold, jerk-limited": replace(BOLD, interpolator="jerk_limited"),
    "crisp": preset("crisp"),
    "bold, linear": replace(BOLD, interpolator="linear"),
}
RATES = (20.0, 50.0, 10.0, 1000.0)
"""Commands per second [Hz]; the last is every tick, or every other one at 2 ms."""


def unfiltered(config: ControllerConfig) -> ControllerConfig:
    """The same without the filter and with weak caps, as other stacks have it: what the adversaries can do."""
    return replace(config, filter_enabled=False, wrench_max=(300.0, 50.0), v_max=(1.0, 3.0))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One episode."""

    kind: int
    trouble: Trouble
    config: ControllerConfig
    rate: float = 20.0
    seed: int = 0
    ticks: int = 3000
    echo: int = 0

    @property
    def label(self) -> str:
        """For people."""
        return f"{NAMES[self.kind]} | {self.trouble.name} | {self.rate:g} Hz | seed {self.seed}"


class Arena:
    """A plant with its controller; episodes run in it one after the other, each from the start.

    Args:
        trouble: What is wrong with it.
        config: What the controller is told.
        told: Whether it is also told what the line may do.
        stops: Whether the robot stops by itself when a joint is faster than its limit, as robots do.
    """

    def __init__(self, trouble: Trouble, config: ControllerConfig, *, told: bool = True, stops: bool = True) -> None:
        self.trouble, self.config, self.stops = trouble, config, stops
        self.arm = panda()
        self.home = start_of(self.arm, trouble)
        self.controller = PassiveImpedance(self.arm, provided_for(config, trouble) if told else config)
        self.model = plant_model(self.arm, trouble, config.period)
        self.data = mujoco.MjData(self.model)
        self.world = self._world()
        self.rules = self._rules()

    def _world(self) -> World:
        n, trouble, model = self.arm.n, self.trouble, self.model
        heavy = model.body_mass * (1.0 - model.body_gravcomp)
        return World(
            plant=plant_of(model, self.data, n),
            line=Line(trouble.burst, trouble.drop, trouble.delay, trouble.noise, trouble.shake),
            positions=np.zeros((PACKETS, n)),
            velocities=np.zeros((PACKETS, n)),
            externals=np.zeros((PACKETS, n)),
            torques=np.zeros((PACKETS, n)),
            applied=np.zeros(n),
            pushing=np.zeros(n),
            hand=np.zeros(7),
            touch=self.data.sensordata,
            energy=self.data.energy,
            places=self.data.xipos,
            weights=np.outer(heavy, model.opt.gravity),
        )

    def _rules(self) -> observer.Rules:
        rec, trouble = self.controller.config, self.trouble
        return observer.Rules(
            period=self.config.period,
            T0=self.config.T0,
            T_max=self.config.T_max,
            P_max=self.config.P_max,
            kinetic_max=self.config.kinetic_max,
            tau_max=rec["tau_max"].copy(),
            rate_max=rec["brake_rate"].copy(),
            dq_max=self.arm.dq_max,
            caps=self.config.wrench_max,
            spring0=0.0,
            exact_line=trouble.delay == 0 and trouble.noise == 0.0,
            lossless=trouble.burst == 0.0 and trouble.drop == 0.0,
            nobody_pushes=trouble.shake == 0.0,
        )

    def reset(self) -> None:
        """Everything as at the start of an episode."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = self.home
        mujoco.mj_forward(self.model, self.data)
        for name in self.controller.state.dtype.names or ():
            self.controller.state[name] = 0
        self.controller.reset(self.data.qpos, self.data.qvel)
        for buffer in (self.world.torques, self.world.applied, self.world.pushing, self.world.hand):
            buffer[:] = 0.0
        self.world.plant.stop[:] = 0, 0, self.stops

    def play(self, case: Case, table: Array, log: Log) -> Log:
        """Play the case; the rows of ``log`` that were filled."""
        self.reset()
        game = new_game(self.controller.config, self.controller.state, table)
        game.dice[0] = case.seed * 1000003 + case.kind * 7919
        every = max(1, round(1.0 / (case.rate * self.config.period)))
        course = Course(case.kind, every, case.ticks, case.echo)
        played = play_episode(self.controller.model, self.world, game, course, log)
        return Log(log.q[: played + 1], log.tau[:played], log.values[:played])

    def rules_of(self, case: Case) -> observer.Rules:
        """The rules for an episode after it was played."""
        spring0 = float(self.controller.state["budget"]) - self.config.T0
        if case.kind == MATRICES:  # its springs' axes are any, so that up to three caps add up along a base axis
            caps = (math.sqrt(3.0) * self.rules.caps[0], math.sqrt(3.0) * self.rules.caps[1])
        else:
            caps = self.rules.caps
        calm = self.rules.nobody_pushes and not NAMES[case.kind].startswith("A16")
        return replace(self.rules, spring0=spring0, nobody_pushes=calm, caps=caps)


def blank_log(ticks: int, n: int = 7) -> Log:
    """Room for an episode."""
    return Log(np.zeros((ticks + 1, n)), np.zeros((ticks, n)), np.zeros((ticks, len(COLUMNS))))


@cache
def trained_table() -> Array:
    """The weights of A18, (ROWS, ACTION)."""
    return np.load(TRAINED_FILE).reshape(ROWS, ACTION).astype(np.float64)  # as all tables: kernels compile once


def table_of(case: Case) -> Array:
    """What A17 plays or A18 is."""
    if case.kind == TRAINED and TRAINED_FILE.exists():
        return trained_table()
    return random_table(np.random.default_rng(case.seed))


def schedule(
    ticks: int, controllers: Mapping[str, ControllerConfig], length: int, plants: Sequence[Trouble]
) -> Iterator[Case]:
    """Cases for so many ticks in all: adversaries fastest, then plants; controllers, rates and seeds go round."""
    configs, played, number = list(controllers.values()), 0, 0
    while played < ticks:
        kind = number % len(NAMES)
        lap = number // len(NAMES)
        trouble = plants[lap % len(plants)]
        turn = lap // len(plants)
        config = configs[(turn + lap) % len(configs)]
        rate = RATES[(turn // len(configs) + kind) % len(RATES)]
        yield Case(kind=kind, trouble=trouble, config=config, rate=rate, seed=number, ticks=length)
        played += length
        number += 1


__all__ = ["BOLD", "CONTROLLERS", "SEARCHED", "Arena", "Case", "blank_log", "schedule", "table_of", "unfiltered"]
