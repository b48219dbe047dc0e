"""A task as a policy is to see it: some features hidden, and of each camera only its view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from robot_rl.core.protocols import Poses, Task
from robot_rl.core.records import Array, Command, Frame, Observation, Outcome, RobotState
from robot_rl.core.spec import ENVIRONMENT, IMAGES, Feature, Spec
from robot_rl.core.view import View


@dataclass(frozen=True, kw_only=True)
class Senses:
    """What of a task's observation is passed on."""

    hidden: tuple[str, ...] = ()
    """Features left out, such as poses that only a simulator knows."""
    views: Mapping[str, View] = field(default_factory=dict)
    """Of the cameras, by name; the others are seen whole."""

    def spec(self, spec: Spec) -> Spec:
        """What is left of ``spec``."""
        kept = {k: f for k, f in spec.observation.items() if k not in self.hidden}
        for name, view in self.views.items():
            kept[IMAGES + name] = Feature(view.shape(kept[IMAGES + name].shape), "uint8")
        return Spec(observation=kept, action_dim=spec.action_dim, rate=spec.rate)

    def observe(self, obs: Observation) -> Observation:
        """What is left of an observation."""
        kept = {k: v for k, v in obs.items() if k not in self.hidden}
        for name, view in self.views.items():
            kept[IMAGES + name] = view.apply(kept[IMAGES + name])
        return kept


def fitting(task: Spec, wanted: Spec, crops: Mapping[str, View]) -> Senses:
    """The senses of a policy that was trained on ``wanted``, in a task with cameras that observes ``task``.

    ``crops``: what the station shows of its cameras; the size is that of the images the policy was trained on.
    """
    views = {}
    for camera in wanted.cameras:
        height, width, _ = wanted.observation[IMAGES + camera].shape
        views[camera] = replace(crops.get(camera, View()), size=(height, width))
    return Senses(hidden=tuple(k for k in task.observation if k not in wanted.observation), views=views)


class Unseen(dict[str, Array]):
    """Poses of which those that nobody tracks stand at the base: for features that are hidden anyway."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Array:
        return np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])


class Sensed:
    """``task`` with its observations passed through ``senses``; all else is the task's."""

    def __init__(self, task: Task, senses: Senses) -> None:
        self.task, self.senses = task, senses
        self.name = task.name
        self.max_steps = task.max_steps
        self.spec = senses.spec(task.spec)

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation:
        """The task's observation, as far as it is passed on; what is hidden needs no tracker."""
        objects = Unseen(objects) if ENVIRONMENT in self.senses.hidden else objects
        return self.senses.observe(self.task.observe(state, frames, objects))

    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """The task's."""
        return self.task.command(action, state, seq)

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:
        """The task's."""
        return self.task.executed(before, after, action)

    def outcome(self, state: RobotState, objects: Poses) -> Outcome:
        """The task's."""
        return self.task.outcome(state, objects)
