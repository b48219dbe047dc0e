"""A script in the place of a person who watches a policy, and takes the arm for a moment when it goes astray."""

from __future__ import annotations

import numpy as np

from controllers.numeric.rotations import pose_error
from robot_rl.core.protocols import Poses, Task, Teleoperator
from robot_rl.core.records import Array, RobotState
from robot_rl.core.teleop import Event, Reading
from robot_rl.teleop.action_map import ActionMap

MEMORY = 0.6
"""Share of what she thought of the policy that is left after a step."""


class Corrector:
    """An ``Operator`` that takes over when what was done differs for a while from what the script would have done.

    Args:
        script: Knows what to do at any moment.
        task: Whose actions these are.
        strays: Mean difference of the actions' entries, which lie in [-1, 1], from which on she takes over.
        steps: For how many steps she has the arm, at least and at most.
    """

    name = "scripted corrector"

    def __init__(self, script: Teleoperator, task: Task, strays: float = 0.4, steps: tuple[int, int] = (3, 8)) -> None:
        self.script, self.task, self.strays, self.steps = script, task, strays, steps
        self._map: ActionMap | None = None
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start the episode of ``seed``."""
        self.script.reset(seed)
        self._rng = np.random.default_rng([seed, 11])
        self._astray, self._left, self._engaged = 0.0, 0, False
        self._before: tuple[Array, Array] | None = None

    def engage(self, state: RobotState, action: Array) -> None:  # noqa: ARG002
        """She gets the arm, and will be asked once more for the same step."""
        self._engaged = True

    def act(self, state: RobotState, objects: Poses) -> Array:
        """What she would do, (A,)."""
        return self.script.act(state, objects)

    def read(self, state: RobotState, objects: Poses) -> Reading:
        """What she would do, and whether she wants the arm or gives it back."""
        action = self.act(state, objects)
        events = () if self._engaged else self._words(state)
        self._engaged = False
        self._before = state.reference.copy(), action
        return Reading(stamp=state.stamp, action=action, strength=0.0, events=events)

    def _words(self, state: RobotState) -> tuple[Event, ...]:
        if self._left:
            self._left -= 1
            return () if self._left else (Event.HAND_BACK,)
        self._astray = MEMORY * self._astray + (1.0 - MEMORY) * self._difference(state)
        if self._astray < self.strays:
            return ()
        self._astray, self._left = 0.0, int(self._rng.integers(self.steps[0], self.steps[1] + 1))
        return (Event.TAKE_OVER,)

    def _difference(self, state: RobotState) -> float:
        """Between the step that was made and the one she had in mind, of the entries that move the arm."""
        if self._before is None:
            return 0.0
        if self._map is None:
            self._map = ActionMap.of(self.task, state)
        reference, wish = self._before
        made = self._map.from_motion(pose_error(state.reference, reference), -1.0)
        moving = self._map.grips == 0
        return float(np.abs(made - np.clip(wish, -1.0, 1.0))[moving].mean())
