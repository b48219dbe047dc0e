"""Find the way through a maze of stiff walls by touch, moving the arm's reference and its stiffness.

After Zhang et al. 2025 (arXiv 2503.00287): the energy left in the tank is observed, and what a step drains is its cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from controllers.arms.panda import panda
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Frame, Observation, Outcome, RobotState
from robot_rl.core.spec import ENERGY, Feature
from robot_rl.tasks.features import (
    clip_action,
    delta_command,
    executed_delta,
    make_spec,
    object_pose,
    observation,
)

STEP = 0.025
"""Reference motion of a full action in one step [m]."""
STIFFNESS = (100.0, 1000.0)
"""In-plane stiffness of the third action at -1 and at 1 [N/m]; the scale between them is logarithmic."""
UPRIGHT = (1000.0, 50.0)
"""Stiffness of the height [N/m] and of the orientation [N m/rad], which are held."""
TOLERANCE = 0.02
"""Distance at which the goal counts as reached [m]."""


def stiffness_of(level: float) -> Array:
    """Stiffness (6,) of the third action, in [-1, 1]."""
    low, high = STIFFNESS
    plane = float(np.clip(low * (high / low) ** ((level + 1) / 2), low, high))
    return np.array([plane, plane, UPRIGHT[0], *[UPRIGHT[1]] * 3])


class Maze:
    """Action (3,): x and y of the reference in base axes, in-plane stiffness. Sparse reward; the walls are not seen."""

    name = "maze"
    max_steps = 80

    def __init__(self, cameras: tuple[str, ...] = ()) -> None:
        self.arm = panda()
        self.spec = make_spec(7, 4, 3, cameras, rate=10.0).with_feature(ENERGY, Feature((5,)))

    def observe(self, state: RobotState, frames: Mapping[str, Frame], objects: Poses) -> Observation:
        """Arm features; place of the tip (2,) and of the goal seen from it (2,) [m]; the ledger."""
        tip = state.ee_pose[:2]
        goal = object_pose(objects, "goal")[:2]
        obs = observation(self.spec, state, np.concatenate([tip, goal - tip]), frames)
        energy = state.energy
        kinetic = 0.5 * state.dq @ self.arm.mass_matrix(state.q) @ state.dq
        ledger = [energy.tank, energy.spring, energy.budget - energy.work, energy.scale, kinetic]
        return obs | {ENERGY: np.array(ledger, np.float32)}

    def command(self, action: Array, state: RobotState, seq: int) -> Command:
        """One action row (3,) as a target relative to the reference, and a stiffness; height and tilt stay."""
        clipped = clip_action(action)
        delta = np.concatenate([clipped[:2] * STEP, np.zeros(4)])
        command = delta_command(state, delta, state.gripper, seq, 1 / self.spec.rate)
        return replace(command, stiffness=stiffness_of(clipped[2]))

    def executed(self, before: RobotState, after: RobotState, action: Array) -> Array:
        """What the reference really did, in units of the action, and the stiffness as it was asked for, (3,)."""
        moved = executed_delta(before, after)[:2] / STEP
        return np.concatenate([clip_action(moved), clip_action(action)[2:]])

    def outcome(self, state: RobotState, objects: Poses) -> Outcome:
        """Success within ``TOLERANCE`` of the goal."""
        distance = np.linalg.norm((object_pose(objects, "goal") - state.ee_pose)[:2])
        success = bool(distance < TOLERANCE)
        return Outcome(reward=float(success), success=success, terminated=success)
