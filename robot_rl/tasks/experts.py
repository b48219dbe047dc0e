"""Scripted experts: teleoperators that know where everything is. For demonstrations, tests and baselines."""

from __future__ import annotations

import numpy as np

from controllers.numeric.rotations import pose_error
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, RobotState
from robot_rl.tasks import maze, peg_insert, pick_cube, reach
from robot_rl.tasks.features import clip_action, object_pose, relative_pose


class Noise:
    """Seeded noise of a clumsy person: white, plus a slow drift that an episode carries along."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.reset(0, 1)

    def reset(self, seed: int, size: int) -> None:
        """Start the series that belongs to ``seed``, with ``size`` channels."""
        self.rng = np.random.default_rng([seed, 77])
        self.drift = np.zeros(size)

    def sample(self) -> Array:
        """The next value, (size,), of standard deviation about ``level``."""
        white = self.rng.normal(size=self.drift.shape)
        self.drift = 0.8 * self.drift + 0.6 * self.rng.normal(size=self.drift.shape)
        return self.level * (0.7 * white + 0.7 * self.drift)


class ReachExpert:
    """Goes straight to the target."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = Noise(noise)

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        self.noise.reset(seed, 3)

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Action (3,) of ``Reach``."""
        error = object_pose(objects, "target")[:3] - state.reference[:3]
        return clip_action(error / reach.STEP + self.noise.sample())


class PickExpert:
    """Above the cube, down, close, lift."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = Noise(noise)
        self.closed_steps = 0

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        self.noise.reset(seed, 4)
        self.closed_steps = 0

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Action (4,) of ``PickCube``."""
        cube = object_pose(objects, "cube")[:3]
        error = cube - state.reference[:3]
        offset = np.abs(cube - state.ee_pose[:3])
        if offset.max() < 0.012 or self.closed_steps:
            self.closed_steps += 1
        lifting = self.closed_steps > 3
        if offset[:2].max() > 0.02 and not self.closed_steps:
            error[2] += 0.06
        move = np.array([0.0, 0.0, 1.0]) if lifting else clip_action(error / pick_cube.STEP)
        grip = 1.0 if self.closed_steps else -1.0
        noise = self.noise.sample()
        noise[3] = 0.0
        return clip_action(np.append(move, grip) + noise)


class PegExpert:
    """Aligns above the hole, goes down, and wiggles when it is stuck."""

    above = 0.012
    """Height of the tip over the mouth while aligning [m]."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = Noise(noise)

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        self.noise.reset(seed, 6)

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Action (6,) of ``PegInsert``."""
        target = peg_insert.upright(object_pose(objects, "hole"))
        tip, tilt = relative_pose(state.ee_pose, target)
        aligned = np.abs(tip[:2]).max() < 0.0012 and np.abs(tilt).max() < 0.02
        goal = target.copy()
        goal[2] += -0.032 if aligned or tip[2] > 0.002 else self.above
        error = pose_error(goal, state.reference)
        error[:2] += 0.5 * (target[:2] - state.ee_pose[:2])
        error[2] = max(error[2], -0.010)
        return clip_action(error / peg_insert.SCALE * 0.7 + self.noise.sample())


class MazeExpert:
    """Knows where the walls stand: to the first gap, along the middle corridor to the second, to the goal."""

    gaps = ((-0.04, 0.08), (0.04, -0.08))
    """Middles of the two gaps, seen from the walls [m]."""
    clear = 0.03
    """Distance kept from a wall on the way to its gap [m]."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = Noise(noise)

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        self.noise.reset(seed, 3)

    def act(self, state: RobotState, objects: Poses) -> Array:
        """Action (3,) of ``Maze``."""
        walls = object_pose(objects, "walls")[:2]
        goal = self._waypoint(state.ee_pose[:2] - walls, object_pose(objects, "goal")[:2] - walls)
        error = goal + walls - state.reference[:2]
        length = max(1.0, np.linalg.norm(error) / maze.STEP)
        return clip_action(np.append(error / maze.STEP / length, 0.3) + self.noise.sample())

    def _waypoint(self, tip: Array, goal: Array) -> Array:
        """Where to go next, (2,), from ``tip`` (2,); all seen from the walls."""
        for x, y in self.gaps:
            if tip[0] > x + 0.7 * self.clear:
                continue
            aligned = abs(tip[1] - y) < 0.015
            return np.array([x + self.clear, y]) if aligned else np.array([x - self.clear, y])
        return goal
