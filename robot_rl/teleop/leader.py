"""A leader arm whose joints a person moves: its tool's pose is her hand, whatever the follower's kinematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.arms.arm_model import ArmModel
from robot_rl.core.errors import ConfigError
from robot_rl.teleop.sample import Inbox


@dataclass(frozen=True, kw_only=True)
class LeaderJoints:
    """How a leader's joints are read as those of ``ArmModel``."""

    joints: tuple[str, ...]
    """Names in the ``JointState``, in the model's order."""
    signs: tuple[float, ...] = ()
    """1 or -1 for each; none: all 1."""
    offsets: tuple[float, ...] = ()
    """The model's angle where the leader says 0 [rad]; none: all 0."""
    gripper: str = ""
    """Name of the gripper's joint; empty: it has none."""
    closed: float = 0.0
    """What that joint says when it is closed."""
    opened: float = 0.08
    """What it says when it is open."""


class Leader:
    """Understands the joint states of one leader arm."""

    def __init__(self, model: ArmModel, joints: LeaderJoints, inbox: Inbox) -> None:
        n = len(joints.joints)
        if n != model.n or len(joints.signs) not in (0, n) or len(joints.offsets) not in (0, n):
            raise ConfigError(
                f"a leader of {model.n} joints needs as many names, signs and offsets: correct its settings"
            )
        self.model, self.joints, self.inbox = model, joints, inbox
        self.signs = np.array(joints.signs or (1.0,) * n)
        self.offsets = np.array(joints.offsets or (0.0,) * n)
        model.forward(self.offsets)  # compiled or loaded now, not while she already moves

    def take(self, names: Sequence[str], positions: Sequence[float]) -> None:
        """Joint positions [rad] by name; one that lacks a joint says nothing."""
        found = dict(zip(names, positions, strict=False))
        if not all(name in found for name in self.joints.joints):
            return
        q = self.signs * np.array([found[name] for name in self.joints.joints], np.float64) + self.offsets
        pose = self.model.forward(q) if np.isfinite(q).all() else None
        self.inbox.put_pose(pose, self._grip(found.get(self.joints.gripper)))

    def _grip(self, said: float | None) -> float | None:
        if said is None or not np.isfinite(said):
            return None
        span = self.joints.closed - self.joints.opened
        return float(np.clip((said - self.joints.opened) / span, 0.0, 1.0))
