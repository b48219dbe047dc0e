"""Who decides what the arm does in the next step: a policy, or a person and a policy together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.protocols import Policy, Poses
from robot_rl.core.records import Observation, RewardSource, RobotState, Source, Step, StepRecord
from robot_rl.core.teleop import Event

Row = NDArray[np.float32]
"""One action, (A,) in [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What shall happen in the next step."""

    action: Row
    source: Source
    policy: Row | None = None
    """What the policy would do while somebody else has the arm."""
    intervention: int = 0
    row: int = 0
    """Which row of its plan the action is, counted from 0: so many steps ago it was planned."""
    waiting: Callable[[RobotState, Poses], bool] | None = None
    """The arm holds, and the step lasts, as long as this says so; None: a step like any other."""
    holder: Source = Source.HUMAN
    """On whose account the arm holds meanwhile."""
    verdict: Event | None = None
    """The person's word that the task is done, or has failed: the episode ends with this step."""

    def record(self, obs: Observation, step: Step, planned: float | None = None) -> StepRecord:
        """The step that came of it.

        Args:
            obs: Before the action, augmented.
            step: What came of it.
            planned: Time of the observation that the action was planned from [s]; None: that of this step.
        """
        waited = 0.0 if planned is None else step.stamp - planned
        fresh = replace(step.freshness, action_age=step.freshness.action_age + waited)
        return StepRecord(
            obs=obs,
            action=step.executed,
            proposal=self.action,
            reward=step.reward,
            success=step.success,
            terminated=step.terminated,
            truncated=step.truncated,
            source=self.source,
            stamp=step.stamp,
            energy=step.energy,
            peak_force=step.peak_force,
            policy_proposal=self.policy,
            intervention=self.intervention,
            reward_source=step.judge if self.verdict is None else RewardSource.PERSON,
            frame_stamps=step.frame_stamps,
            freshness=fresh,
        )


class Abandoned(Exception):
    """A person wants no more of this episode: DISCARD, RERECORD or STOP."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.value)
        self.event = event


@runtime_checkable
class Pilot(Protocol):
    """What ``run_episode`` asks before every step."""

    source: Source
    """Who has the arm when nothing happens."""

    def reset(self, seed: int) -> None: ...
    def augment(self, obs: Observation) -> Observation: ...
    def propose(self, obs: Observation) -> Proposal:
        """For an observation that ``augment`` returned; raises ``Abandoned``."""
        ...


class PolicyPilot:
    """A policy alone: the rows of its chunks, one after the other."""

    def __init__(self, policy: Policy, *, explore: bool = False, source: Source = Source.POLICY) -> None:
        self.policy, self.explore, self.source = policy, explore, source
        self.chunk: deque[NDArray] = deque()
        self.taken = 0
        """Rows of the open chunk that were taken before the newest one."""

    def reset(self, seed: int) -> None:  # noqa: ARG002
        """Forget the episode."""
        self.policy.reset()
        self.chunk.clear()

    def augment(self, obs: Observation) -> Observation:
        """What the policy adds to an observation."""
        return self.policy.augment(obs)

    def row(self, obs: Observation) -> Row:
        """The next row of the open chunk, or the first one of a new one."""
        self.taken += 1
        if not self.chunk:
            self.taken = 0
            self.chunk.extend(self.policy.act(obs, explore=self.explore))
        return np.clip(self.chunk.popleft(), -1.0, 1.0).astype(np.float32)

    def replan(self) -> None:
        """Forget the open chunk: the arm has gone elsewhere."""
        self.chunk.clear()

    def propose(self, obs: Observation) -> Proposal:
        """What the policy wants."""
        return Proposal(action=self.row(obs), source=self.source, row=self.taken)
