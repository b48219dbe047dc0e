"""The tasks on the twin in lockstep, in one process and faster than real time."""

from __future__ import annotations

from controllers.parameters.presets import ControllerConfig, preset
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.tasks.registry import make_task
from sim.guarded_twin import GuardedTwin
from sim.twin import Twin, TwinClock

PRESETS = {"reach": "rl_explore", "pick_cube": "rl_explore", "peg_insert": "precise", "maze": "rl_explore"}
"""Which controller preset a task is done with."""


def make_twin_env(
    task_name: str,
    cameras: tuple[str, ...] = (),
    controller: ControllerConfig | None = None,
    *,
    guarded: bool = False,
) -> RobotEnv:
    """An environment of the task on its own twin; equal seeds give bit-equal episodes. No controller: its preset.

    ``guarded``: with leases, blended hand-overs and watchdogs around the controller, as a real arm has them.
    """
    task = make_task(task_name, cameras)
    config = controller or preset(PRESETS[task_name])
    twin = GuardedTwin(task_name, config, cameras=cameras) if guarded else Twin(task_name, config, cameras)
    twin.__enter__()
    return RobotEnv(twin, {name: twin.camera(name) for name in cameras}, task, TwinClock(twin))
