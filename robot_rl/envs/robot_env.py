"""A task on a robot as an environment: lockstep or real time, twin or hardware, alone or across a ROS graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np

from robot_rl.core.clock import Rate
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.freshness import UNKNOWN, Freshness
from robot_rl.core.protocols import Camera, Clock, Poses, Robot, Task
from robot_rl.core.records import Array, Frame, Observation, Outcome, RobotState, Source, Step
from robot_rl.core.rewards import Reward, Sight


class RobotEnv:
    """Steps ``task`` on ``robot`` at the task's rate; time passes on ``clock``.

    ``reward`` says what a step was worth, in the task's place; it may look through cameras that the task does not.
    """

    def __init__(
        self,
        robot: Robot,
        cameras: Mapping[str, Camera],
        task: Task,
        clock: Clock,
        reward: Reward | None = None,
    ) -> None:
        self.robot = robot
        self.reward = reward
        watched = () if reward is None else reward.cameras
        self.cameras = {name: cameras[name] for name in dict.fromkeys((*task.spec.cameras, *watched))}
        self.task = task
        self.spec = task.spec
        self.max_steps = task.max_steps
        self.clock = clock
        self.rate = Rate(1 / task.spec.rate, clock)
        self.max_age = 3 / task.spec.rate
        self.state: RobotState = robot.state()
        self.objects: Poses = {}
        self.frames: Mapping[str, Frame] = {}
        """The images of the last observation."""
        self.frame_stamps: Mapping[str, float] = {}
        self.steps = 0
        self.seq = 0

    def reset(self, seed: int) -> Observation:
        """Bring arm and scene to the start that belongs to ``seed``."""
        self.robot.reset(seed)
        if self.reward is not None:
            self.reward.reset()
        self.steps = 0
        self.rate.restart()
        return self._observe()

    def step(self, action: Array, source: Source = Source.POLICY) -> Step:
        """Execute one action row (A,) of ``source`` for one period."""
        before = self.state
        sent = self._send(action, source)
        self.rate.wait()
        return self._finish(before, action, self._freshness(before, sent))

    def idle(self, action: Array, waiting: Callable[[RobotState, Poses], bool], holder: Source = Source.HUMAN) -> Step:
        """Repeat ``action`` (A,), which moves nothing, for ``holder`` and as long as ``waiting`` says: one long step.

        The arm gets a command every period, so that its watchdog sees that somebody is there; it may refuse them.
        """
        before, peak = self.state, 0.0
        while True:
            with suppress(CommandRejectedError):
                self._send(action, holder)
            self.rate.wait()
            self.state, self.objects = self.robot.state(), self.robot.objects()
            peak = max(peak, self.state.peak_force)
            if not waiting(self.state, self.objects):
                return replace(self._finish(before, action, UNKNOWN), peak_force=peak)

    def _send(self, action: Array, source: Source) -> float:
        """Give the arm a command; when that was done [s]."""
        self.seq += 1
        command = self.task.command(action, self.state, self.seq)
        owner = Source.HUMAN if source in (Source.PAUSE, Source.SAFETY) else source  # she keeps it while it holds
        self.robot.send(command if command.source is owner else replace(command, source=owner))
        return self.clock.now()

    def _freshness(self, before: RobotState, sent: float) -> Freshness:
        """How old what a command that was sent at ``sent`` [s] came from was, and whether its step was on time."""
        oldest = min([before.stamp, *self.frame_stamps.values()])
        late = self.rate.lateness
        return Freshness(
            observation_age=sent - oldest,
            action_age=sent - before.stamp,
            overrun=late,
            missed=int(late / self.rate.period),
        )

    def _finish(self, before: RobotState, action: Array, freshness: Freshness) -> Step:
        """Look at what became of ``action``, which began at ``before``."""
        seen = self.frame_stamps
        obs = self._observe()
        self.steps += 1
        outcome = self._outcome()
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
            frame_stamps=seen,
            judge=outcome.judge,
            freshness=freshness,
        )

    def _outcome(self) -> Outcome:
        """What the step that has just ended was worth."""
        state, objects = self.state, self.objects
        if self.reward is None:
            return self.task.outcome(state, objects)
        task = partial(self.task.outcome, state, objects)
        return self.reward.outcome(Sight(state=state, objects=objects, frames=self.frames, task=task))

    def close(self) -> None:
        """Hold the arm."""
        self.robot.stop()

    def _observe(self) -> Observation:
        self.state = self.robot.state()
        self.objects = self.robot.objects()
        frames: dict[str, Frame] = {name: camera.latest(self.max_age) for name, camera in self.cameras.items()}
        self.frames = frames
        self.frame_stamps = {name: frames[name].stamp for name in self.spec.cameras}
        return self.task.observe(self.state, frames, self.objects)
