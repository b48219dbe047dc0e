"""Where a reward can come from besides a classifier: the task, a person's keys, a box for the tool, stages of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from controllers.numeric.rotations import pose_error, pose_inverse, pose_multiply
from robot_rl.core.errors import ConfigError, StaleDataError
from robot_rl.core.records import Array, Outcome, RewardSource
from robot_rl.core.rewards import Reward, Sight

CLASSIFIER_FILE: Final = "classifier.json"
"""What makes a folder a classifier."""


class TaskReward:
    """The task itself: what it measures."""

    cameras: tuple[str, ...] = ()
    alarm = ""

    def reset(self) -> None:
        """Nothing to forget."""

    def outcome(self, sight: Sight) -> Outcome:
        """What the task says."""
        return sight.task()


class KeyReward:
    """A person's keys alone: success and failure end the episode, and until then nothing is worth anything.

    Her word is heard by whoever shares control with her, and stands above every source; this one is silent.
    """

    cameras: tuple[str, ...] = ()
    alarm = ""

    def reset(self) -> None:
        """Nothing to forget."""

    def outcome(self, sight: Sight) -> Outcome:  # noqa: ARG002
        """Nothing has been achieved, and nothing is lost."""
        return Outcome(reward=0.0, success=False, terminated=False, judge=RewardSource.PERSON)


class PoseBox:
    """Success while the tool is in a box around a pose, given in base or seen from a tracked object.

    Args:
        pose: Middle of the box, (7,): x y z [m], qx qy qz qw.
        size: Half its edges: along x, y, z [m] and about them [rad], (6,); infinity where it does not matter.
        frame: Object that carries the box; empty: the robot's base.
    """

    cameras: tuple[str, ...] = ()
    alarm = ""

    def __init__(self, pose: Array, size: Array, frame: str = "") -> None:
        self.pose, self.size, self.frame = np.asarray(pose, np.float64), np.asarray(size, np.float64), frame
        norm = float(np.linalg.norm(self.pose[3:])) if self.pose.shape == (7,) else 0.0
        if abs(norm - 1.0) > 1e-3 or not np.isfinite(self.pose).all():
            raise ConfigError("a box needs a pose of x y z [m] and a quaternion x y z w of length 1: correct it")
        if self.size.shape != (6,) or not (self.size > 0).all():
            raise ConfigError("a box needs six half edges greater than 0 (x y z [m], about x y z [rad]): correct it")

    def reset(self) -> None:
        """Nothing to forget."""

    def outcome(self, sight: Sight) -> Outcome:
        """Success in the box."""
        success = bool((np.abs(self.offset(sight)) <= self.size).all())
        return Outcome(reward=float(success), success=success, terminated=success)

    def offset(self, sight: Sight) -> Array:
        """How far the tool is from the middle, (6,) [m, rad], along the axes of the box's frame."""
        tool = sight.state.ee_pose
        if self.frame:
            if self.frame not in sight.objects:
                known = ", ".join(sorted(sight.objects)) or "nothing"
                raise StaleDataError(f"nobody tracks {self.frame!r}, only {known}: start its tracker")
            tool = pose_multiply(pose_inverse(sight.objects[self.frame]), tool)
        return pose_error(tool, self.pose)


class Held:
    """A source that must say success so many steps in a row before the episode is won.

    The steps in between are successes that have not ended the episode. So a flicker of a classifier wins nothing, and
    with the task as source a few steps more of what success looks like are recorded.
    """

    def __init__(self, source: Reward, steps: int) -> None:
        if steps < 1:
            raise ConfigError(f"success must be held for 1 step at least, not {steps}: correct hold")
        self.source, self.steps = source, steps
        self.cameras = source.cameras
        self.reset()

    @property
    def alarm(self) -> str:
        """The source's."""
        return self.source.alarm

    def reset(self) -> None:
        """A new episode."""
        self.source.reset()
        self._held = 0

    def outcome(self, sight: Sight) -> Outcome:
        """The source's word; its reward once it has said success often enough."""
        said = self.source.outcome(sight)
        self._held = self._held + 1 if said.success else 0
        if not said.success:
            return said
        won = self._held >= self.steps
        reward = said.reward if won else 0.0
        return Outcome(reward=reward, success=True, terminated=won, judge=said.judge)


@dataclass(frozen=True)
class Stage:
    """A sub-goal."""

    source: Reward
    reward: float
    """What reaching it is worth."""


class Stages:
    """Sub-goals in their order: each is worth something the first time it is reached, the last one wins the episode.

    A stage is looked at only when the ones before it have been reached, one per step at most.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        if not stages:
            raise ConfigError("there is no stage: name one at least")
        self.stages = tuple(stages)
        self.cameras = tuple(dict.fromkeys(c for stage in stages for c in stage.source.cameras))
        self.reset()

    @property
    def alarm(self) -> str:
        """Those of all stages."""
        return "; ".join(stage.source.alarm for stage in self.stages if stage.source.alarm)

    def reset(self) -> None:
        """A new episode: no stage has been reached."""
        self.reached = 0
        """How many have been."""
        for stage in self.stages:
            stage.source.reset()

    def outcome(self, sight: Sight) -> Outcome:
        """The next stage's word."""
        stage = self.stages[min(self.reached, len(self.stages) - 1)]
        said = stage.source.outcome(sight)
        failed = said.terminated and not said.success
        if not said.success or self.reached == len(self.stages):
            return Outcome(reward=0.0, success=False, terminated=failed, judge=said.judge)
        passed = said.terminated  # a source that must be held says success before it is done
        self.reached += passed
        won = self.reached == len(self.stages)
        return Outcome(reward=stage.reward * passed, success=won, terminated=won, judge=said.judge)
