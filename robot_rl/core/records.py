"""The records that flow between the parts. Numpy, SI units, radians, quaternions xyzw, base frame unless said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.freshness import UNKNOWN, Freshness

Array = NDArray[np.float64]
Observation = dict[str, NDArray]
"""Name -> array, checked by a ``Spec``. LeRobot's names: ``observation.state``, ``observation.images.<camera>``."""
Action = NDArray[np.float32]
"""A chunk of actions, (H, A) in [-1, 1]; H = 1 for a policy that plans one step."""
ArrayT = TypeVar("ArrayT")


class Source(IntEnum):
    """Who gave a command. Stored with every step."""

    IDLE = 0
    POLICY = 1
    HUMAN = 2
    RESET = 3
    PAUSE = 4
    """Nobody: a person stopped the episode for a while. One row stands for the whole pause; the arm held."""
    SAFETY = 5
    """Nobody: the arm or a device failed, and holds until a person says how to go on. One row for the whole time."""


class RewardSource(IntEnum):
    """Who said what a step was worth. Stored with every step."""

    TASK = 0
    PERSON = 1
    CLASSIFIER = 2
    RELABELED = 3
    """Somebody, after the episode."""


class Mode(IntEnum):
    """What the controller is doing (control.md §2.6 and §3.1)."""

    HOLD = 0
    ACTIVE = 1
    LOW = 2
    BRAKE = 3
    FAULT = 4


class StiffnessFrame(IntEnum):
    """Whose axes a command's stiffness of 6 or 21 numbers is given in."""

    BASE = 0
    TASK = 1
    """The controller's task frame."""
    TOOL = 2
    """The frame of the reference, and it turns with it."""


@dataclass(frozen=True, kw_only=True)
class EnergyState:
    """The passivity ledger at one instant, and its worst figures since the last reset."""

    tank: float
    """Energy left in the tank [J]."""
    spring: float
    """Energy stored in the virtual springs [J]."""
    work: float
    """Work done by the controller on the arm since the reset, the sum of W [J]."""
    budget: float
    """Tank plus spring energy at the reset, T0 + V0 [J]; ``work`` never exceeds it."""
    scale: float
    """Smallest share of the proposed reference motion let through since the last command, in [0, 1]."""
    mode: Mode
    violations: int
    """Ticks since the reset at which ``work`` exceeded ``budget``; 0 is the promise."""
    worst_ratio: float
    """Largest ``work / budget`` since the reset [-]."""


@dataclass(frozen=True, kw_only=True)
class RobotState:
    """What an arm with a gripper reports at one instant."""

    stamp: float
    """Monotonic time of the measurement [s]."""
    q: Array
    """Joint positions, (n,) [rad]."""
    dq: Array
    """Joint velocities, (n,) [rad/s]."""
    tau: Array
    """Joint torques applied by the controller, gravity excluded, (n,) [N m]."""
    ee_pose: Array
    """Tool centre point seen from base, (7,): x y z [m], qx qy qz qw."""
    ee_twist: Array
    """Linear [m/s] and angular [rad/s] velocity of the tool centre point, base axes, (6,)."""
    wrench: Array
    """External force [N] and moment [N m] on the tool centre point, base axes, (6,)."""
    peak_force: float
    """Largest magnitude of the external force since the last accepted command [N]."""
    reference: Array
    """Pose where the controller's reference is, or will be when its running segment ends, (7,). Deltas add to this."""
    gripper: float
    """Opening between the fingers [m]."""
    energy: EnergyState


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One camera image."""

    stamp: float
    """Monotonic time of the exposure [s]."""
    rgb: NDArray[np.uint8]
    """Image, (H, W, 3)."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A target for the arm, in physical units, base frame."""

    stamp: float
    """Monotonic time at which it was made [s]."""
    seq: int
    """Counts up within one source; an older one is ignored."""
    valid_until: float
    """After this monotonic time [s] the arm holds."""
    duration: float
    """Time over which the reference moves to ``pose`` [s]."""
    pose: Array
    """Target of the tool centre point, (7,): x y z [m], qx qy qz qw."""
    gripper: float
    """Opening between the fingers [m]."""
    stiffness: Array | None = None
    """Translational [N/m] and rotational [N m/rad] stiffness: (2,), (6,) per axis, or (21,) for the upper triangle, row
    by row, of a symmetric 6x6 matrix; None keeps the present one."""
    source: Source = Source.POLICY
    stiffness_frame: StiffnessFrame = StiffnessFrame.BASE
    feed_forward: Array | None = None
    """Force [N] and moment [N m] to add at the tool centre point, base axes, (6,); it is paid for like any work."""


@dataclass(frozen=True, kw_only=True)
class Transition(Generic[ArrayT]):
    """One step (numpy), or a batch of them with a leading B (torch)."""

    obs: Mapping[str, ArrayT]
    action: ArrayT
    """The action that was really executed, (A,) in [-1, 1]."""
    reward: ArrayT
    discount: ArrayT
    """gamma^n while the next state has value (a time-out included), 0 after a true end."""
    next_obs: Mapping[str, ArrayT]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a task says of one step."""

    reward: float
    success: bool
    terminated: bool
    """True when the next state has no value: the task is done, or has failed for good."""
    judge: RewardSource = RewardSource.TASK
    """Who says so: the task's own measurements, or a classifier that the task asks."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What an environment returns for one action."""

    stamp: float
    """Monotonic time of the observation that the action was chosen from [s]."""
    obs: Observation
    """After the action."""
    executed: NDArray[np.float32]
    """The action that was really executed, after every limit and the passivity filter, (A,) in [-1, 1]."""
    reward: float
    success: bool
    terminated: bool
    truncated: bool
    """The time limit was reached; the next state still has value."""
    energy: EnergyState
    peak_force: float
    """Largest external force magnitude within the step [N]."""
    state: RobotState
    """After the action."""
    frame_stamps: Mapping[str, float] = field(default_factory=dict)
    """Camera -> exposure of the image in the observation that the action was chosen from, monotonic [s]."""
    judge: RewardSource = RewardSource.TASK
    """Who said what the step was worth."""
    freshness: Freshness = UNKNOWN
    """How old the observation was when its action began, and whether the step came on time."""


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One row of an episode as it is stored and sent; the next observation is the next row's."""

    obs: Observation
    """Before the action, with what the policy added to it."""
    action: NDArray[np.float32]
    """Really executed, (A,) in [-1, 1]."""
    proposal: NDArray[np.float32]
    """What the policy or the person who had the arm asked for, (A,)."""
    reward: float
    success: bool
    terminated: bool
    truncated: bool
    source: Source
    stamp: float
    """Monotonic time of the observation [s]."""
    energy: EnergyState
    """The ledger after the action."""
    peak_force: float
    """Largest external force magnitude within the step [N]."""
    policy_proposal: NDArray[np.float32] | None = None
    """What the policy would have done while a person had the arm, (A,); None: the same as ``proposal``."""
    intervention: int = 0
    """Which of the episode's interventions this step belongs to, counted from 1; 0: none, as in a demonstration."""
    reward_source: RewardSource = RewardSource.TASK
    frame_stamps: Mapping[str, float] = field(default_factory=dict)
    """Camera -> exposure of its image in ``obs``, monotonic [s]; a camera that is left out is of unknown age."""
    freshness: Freshness = UNKNOWN
    """How old observation, action and weights were, and whether the step came on time."""
