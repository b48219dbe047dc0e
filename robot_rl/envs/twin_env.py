"""The tasks on the twin in lockstep, in one process and faster than real time."""

from __future__ import annotations

import math
import time

from controllers.parameters.presets import ControllerConfig, preset
from robot_rl.core.protocols import Task
from robot_rl.core.rewards import Reward
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.tasks.registry import make_task
from sim.guarded_twin import GuardedTwin
from sim.twin import Twin, TwinClock

PRESETS = {"reach": "rl_explore", "pick_cube": "rl_explore", "peg_insert": "precise", "maze": "rl_explore"}
"""Which controller preset a task is done with."""


def make_twin_env(
    task: str | Task,
    cameras: tuple[str, ...] = (),
    controller: ControllerConfig | None = None,
    *,
    guarded: bool = False,
    paced: bool = False,
    reward: Reward | None = None,
) -> RobotEnv:
    """An environment of the task on its own twin; equal seeds give bit-equal episodes. No controller: its preset.

    A task that is given by name observes ``cameras``; one that is given as such observes its own.

    ``guarded``: with leases, blended hand-overs and watchdogs around the controller, as a real arm has them.
    ``paced``: in real time, for a person at the controls. ``reward``: who judges the steps in the task's place.
    """
    task = make_task(task, cameras) if isinstance(task, str) else task
    cameras = tuple(dict.fromkeys((*task.spec.cameras, *(() if reward is None else reward.cameras))))
    config = controller or preset(PRESETS[task.name])
    twin = GuardedTwin(task.name, config, cameras=cameras) if guarded else Twin(task.name, config, cameras)
    twin.__enter__()
    clock = (PacedClock if paced else TwinClock)(twin)
    return RobotEnv(twin, {name: twin.camera(name) for name in cameras}, task, clock, reward)


class PacedClock:
    """A ``Clock`` that steps the physics as wall time passes; behind, it shows by how much, as a robot's would."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self._start = time.monotonic()
        self._ticks = twin.ticks

    def now(self) -> float:
        """Wall time since the twin's reset [s]."""
        if self.twin.ticks < self._ticks or self.twin.ticks == 0:
            self._start = time.monotonic() - self.twin.now()
        self._ticks = self.twin.ticks
        return time.monotonic() - self._start

    def sleep_until(self, stamp: float) -> None:
        """Advance the physics to ``stamp`` [s], and wait for wall time to be there too."""
        self._ticks = self.twin.ticks
        ticks = math.ceil((stamp - self.twin.now()) / self.twin.period - 1e-6)
        if ticks > 0:
            self.twin.advance(ticks)
        time.sleep(max(0.0, stamp - (time.monotonic() - self._start)))
