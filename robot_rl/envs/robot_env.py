"""A task on a robot as an environment: lockstep or real time, twin or hardware, alone or across a ROS graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from robot_rl.core.clock import Rate
from robot_rl.core.protocols import Camera, Clock, Poses, Robot, Task
from robot_rl.core.records import Array, Frame, Observation, RobotState, Step


class RobotEnv:
    """Steps ``task`` on ``robot`` at the task's rate; time passes on ``clock``."""

    def __init__(self, robot: Robot, cameras: Mapping[str, Camera], task: Task, clock: Clock) -> None:
        self.robot = robot
        self.cameras = {name: cameras[name] for name in task.spec.cameras}
        self.task = task
        self.spec = task.spec
        self.max_steps = task.max_steps
        self.clock = clock
        self.rate = Rate(1 / task.spec.rate, clock)
        self.max_age = 3 / task.spec.rate
        self.state: RobotState = robot.state()
        self.objects: Poses = {}
        self.steps = 0
        self.seq = 0

    def reset(self, seed: int) -> Observation:
        """Bring arm and scene to the start that belongs to ``seed``."""
        self.robot.reset(seed)
        self.steps = 0
        self.rate.restart()
        return self._observe()

    def step(self, action: Array) -> Step:
        """Execute one action row (A,) for one period."""
        before = self.state
        self.seq += 1
        self.robot.send(self.task.command(action, before, self.seq))
        self.rate.wait()
        obs = self._observe()
        self.steps += 1
        outcome = self.task.outcome(self.state, self.objects)
        executed = self.task.executed(before, self.state, action)
        return Step(
            stamp=before.stamp,
            obs=obs,
            executed=executed.astype(np.float32),
            reward=outcome.reward,
            success=outcome.success,
            terminated=outcome.terminated,
            truncated=self.steps >= self.max_steps and not outcome.terminated,
            energy=self.state.energy,
            peak_force=self.state.peak_force,
            state=self.state,
        )

    def close(self) -> None:
        """Hold the arm."""
        self.robot.stop()

    def _observe(self) -> Observation:
        self.state = self.robot.state()
        self.objects = self.robot.objects()
        frames: dict[str, Frame] = {name: camera.latest(self.max_age) for name, camera in self.cameras.items()}
        return self.task.observe(self.state, frames, self.objects)
