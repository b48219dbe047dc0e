"""The scenes by name."""

from __future__ import annotations

from robot_rl.core.names import check_name
from sim.scenes.maze import MazeScene
from sim.scenes.peg_insert import PegInsertScene
from sim.scenes.pick_cube import PickCubeScene
from sim.scenes.reach import ReachScene
from sim.scenes.scene import Scene

SCENES = ("reach", "pick_cube", "peg_insert", "maze")


def make_scene(name: str) -> Scene:
    """The scene of that name."""
    scenes: dict[str, type[Scene]] = {s.name: s for s in (ReachScene, PickCubeScene, PegInsertScene, MazeScene)}
    return scenes[check_name("scene", name, scenes)]()
