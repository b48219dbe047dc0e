"""The tasks by name."""

from __future__ import annotations

from robot_rl.core.names import check_name
from robot_rl.core.protocols import Task, Teleoperator
from robot_rl.tasks.experts import MazeExpert, PegExpert, PickExpert, ReachExpert
from robot_rl.tasks.maze import Maze
from robot_rl.tasks.peg_insert import PegInsert
from robot_rl.tasks.pick_cube import PickCube
from robot_rl.tasks.reach import Reach

TASKS = ("reach", "pick_cube", "peg_insert", "maze")


def make_task(name: str, cameras: tuple[str, ...] = ()) -> Task:
    """The task of that name, observing the given cameras."""
    check_name("task", name, TASKS)
    return {"reach": Reach, "pick_cube": PickCube, "peg_insert": PegInsert, "maze": Maze}[name](cameras)


def make_expert(name: str, noise: float = 0.0) -> Teleoperator:
    """A scripted expert for the task; ``noise`` is the standard deviation added to its actions, in [0, 1]."""
    check_name("task", name, TASKS)
    experts = {"reach": ReachExpert, "pick_cube": PickExpert, "peg_insert": PegExpert, "maze": MazeExpert}
    return experts[name](noise)
