"""An arm in real time cannot stand still between two steps: it holds for as long as the learner must be waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from robot_rl.actor.pilots import Pilot, PolicyPilot, Proposal, Row
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.errors import StaleDataError
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Observation, RobotState, Source
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.teleop.action_map import ActionMap


class Watched:
    """A pilot whose arm holds instead of following the policy while ``stale`` says so.

    The hold is one long step labelled SAFETY, with a command every period, so nothing that is learnt from has a gap in
    it. A person may take the arm meanwhile.

    Args:
        pilot: Who decides otherwise.
        env: The task on the robot.
        stale: Whether the policy must not act; asked every period, may raise when there is no more hope.
    """

    def __init__(self, pilot: PolicyPilot | SharedControl, env: RobotEnv, stale: Callable[[], bool]) -> None:
        self.pilot, self.env, self.stale = pilot, env, stale
        self.source = pilot.source
        self.holds = 0
        """How often the arm had to hold."""
        self._last: Row | None = None

    def reset(self, seed: int) -> None:
        """A new episode."""
        self._last = None
        self.pilot.reset(seed)

    def augment(self, obs: Observation) -> Observation:
        """What the policy adds to an observation."""
        return self.pilot.augment(obs)

    def propose(self, obs: Observation) -> Proposal:
        """What the pilot wants, or a hold."""
        proposal = self.pilot.propose(obs)
        if proposal.source is not Source.POLICY or not self.stale():
            self._last = proposal.action
            return proposal
        self.holds += 1
        self.pilot.replan()
        return Proposal(
            action=self._hold(proposal),
            source=Source.SAFETY,
            policy=proposal.action,
            waiting=self._waits,
            holder=Source.POLICY,
        )

    def _hold(self, proposal: Proposal) -> Row:
        """The action that moves nothing and keeps the gripper as it is."""
        before = proposal.action * 0 if self._last is None else self._last
        return ActionMap.of(self.env.task, self.env.state).holding(before).astype(before.dtype)

    def _waits(self, state: RobotState, objects: Poses) -> bool:
        if isinstance(self.pilot, SharedControl) and not self.pilot.quiet(state, objects):
            return False
        return self.stale()


def watched(pilot: Pilot, env: object, stale: Callable[[], bool]) -> Pilot:
    """``pilot`` under a watchdog, where there is an arm that can hold."""
    if isinstance(env, RobotEnv) and isinstance(pilot, PolicyPilot | SharedControl):
        return Watched(pilot, env, stale)
    return pilot


def rest(env: object, idle: Callable[[], bool], *, real_time: bool) -> None:
    """Wait between two episodes while ``idle`` says so: an arm in real time holds, or it would let go of itself."""
    if not (real_time and isinstance(env, RobotEnv)):
        time.sleep(0.05)
        return
    still = ActionMap.of(env.task, env.state).holding(np.zeros(env.spec.action_dim))
    with suppress(StaleDataError):  # the next episode says so, if it lasts
        env.idle(still, lambda *_: idle(), Source.POLICY)
