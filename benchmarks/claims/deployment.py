"""A policy on the maze, acting greedily, with the filter or without it: what it needed, and what was withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from controllers.parameters.presets import preset
from controllers.parameters.settings import ControllerConfig
from robot_rl.actor.rollout import run_episode
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Array, Observation, StepRecord
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.tasks.registry import make_task
from sim.twin import Twin, TwinClock

BUDGET = 0.8
"""Energy in the tank at the start [J]: a gentle passage keeps below it, a quick one does not."""
TEST_SEEDS = 900_000
NOTICED = 0.01
"""A step counts as intervened in from this cost c2 on: a hundredth of what was asked."""


def controller(filtered: bool) -> ControllerConfig:
    """Preset ``rl_explore`` with a small tank."""
    small = replace(preset("rl_explore"), T0=BUDGET, T_max=2 * BUDGET, P_max=9.9 * BUDGET, T_res=0.06)
    return replace(small, filter_enabled=filtered)


class Watch(TwinClock):
    """Steps the twin tick by tick and notes, per control step, what the filter withheld and the emptiest tank."""

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self.withheld: list[float] = []
        """Cost c2 per control step, (1 - alpha) + (1 - beta) + (1 - gamma), each a mean over the step's ticks [-]."""
        self.emptiest: list[float] = []
        """Lowest tank per control step [J]."""

    def sleep_until(self, stamp: float) -> None:
        """Advance the physics to the first tick at or after ``stamp`` [s]."""
        state, shares, tanks = self.twin.controller.state, [], []
        for _ in range(int(np.ceil((stamp - self.twin.now()) / self.twin.period - 1e-6))):
            self.twin.advance(1)
            shares.append(3.0 - state["alpha"] - state["beta"] - state["gamma_active"])
            tanks.append(float(state["T"]))
        if shares:
            self.withheld.append(float(np.mean(shares)))
            self.emptiest.append(min(tanks))


class Ledger:
    """Notes the tank at the ends of the steps, and takes an episode's notes from ``watch``."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.tank: list[Array] = []
        self.withheld: list[Array] = []
        self.emptiest: list[float] = []
        self.asked, self.undone = 0.0, 0.0

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None:  # noqa: ARG002
        """Start an episode with a full tank."""
        self.rows = [BUDGET]
        self.watch.withheld.clear()
        self.watch.emptiest.clear()

    def add(self, step: StepRecord) -> None:
        """The tank after the step, and how far the reference was asked to go and did not."""
        self.rows.append(step.energy.tank)
        self.asked += float(np.linalg.norm(step.proposal[:2]))
        self.undone += float(np.linalg.norm((step.proposal - step.action)[:2]))

    def end(self, final_obs: Observation | None) -> None:  # noqa: ARG002
        """Keep the episode."""
        self.tank.append(np.array(self.rows))
        self.withheld.append(np.array(self.watch.withheld))
        self.emptiest.append(min(self.watch.emptiest))


def deploy(policy: Policy, filtered: bool, episodes: int) -> dict[str, float]:
    """Figures of a policy, acting greedily on the same episodes for all; defined at the head of ``passive_rl``."""
    with Twin("maze", controller(filtered)) as twin:
        watch = Watch(twin)
        ledger, env = Ledger(watch), RobotEnv(twin, {}, make_task("maze"), watch)
        done = [run_episode(env, policy, TEST_SEEDS + i, sink=ledger) for i in range(episodes)]
    emptiest = np.array(ledger.emptiest)
    return {
        "success": float(np.mean([r.success for r in done])),
        "steps": float(np.mean([r.steps for r in done])),
        "overdrawn": float(np.mean(emptiest < 0.0)),
        "lent_j": float(BUDGET - np.mean(emptiest)),
        "violations": float(sum(r.violations for r in done)),
        "worst_ratio": max(r.worst_ratio for r in done),
        "drained_j": float(np.mean([np.maximum(-np.diff(tank), 0.0).sum() for tank in ledger.tank])),
        "intervention": float(np.mean([withheld.sum() for withheld in ledger.withheld])),
        "intervened_steps": float(np.mean(np.concatenate(ledger.withheld) > NOTICED)),
        "undone": ledger.undone / ledger.asked,
        "peak_force_n": float(np.mean([r.peak_force for r in done])),
    }
