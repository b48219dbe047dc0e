"""The tasks by name."""

from __future__ import annotations

import difflib

from robot_rl.core.errors import ConfigError
from robot_rl.core.protocols import Task, Teleoperator
from robot_rl.tasks.experts import PegExpert, PickExpert, ReachExpert
from robot_rl.tasks.peg_insert import PegInsert
from robot_rl.tasks.pick_cube import PickCube
from robot_rl.tasks.reach import Reach

TASKS = ("reach", "pick_cube", "peg_insert")


def check_name(name: str) -> None:
    """Raise ``ConfigError`` with the nearest right name unless ``name`` is a task."""
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(TASKS)}"
        raise ConfigError(f"there is no task {name!r}: {hint}")


def make_task(name: str, cameras: tuple[str, ...] = ()) -> Task:
    """The task of that name, observing the given cameras."""
    check_name(name)
    return {"reach": Reach, "pick_cube": PickCube, "peg_insert": PegInsert}[name](cameras)


def make_expert(name: str, noise: float = 0.0) -> Teleoperator:
    """A scripted expert for the task; ``noise`` is the standard deviation added to its actions, in [0, 1]."""
    check_name(name)
    return {"reach": ReachExpert, "pick_cube": PickExpert, "peg_insert": PegExpert}[name](noise)
