"""What a driver puts between a robot's wire and the controller: one packet in, one torque out, per period."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np

from controllers.arms.arm_model import ArmModel
from robot_rl.core.errors import MissingDependencyError, RobotRLError
from robot_rl.core.records import Array


class ArmRefusedError(RobotRLError):
    """The robot cannot be started as it is: do what the message says, then start again."""


class ArmFaultError(RobotRLError):
    """The robot stopped while it was controlled: find out why, then recover it."""


@dataclass(kw_only=True, slots=True)
class Packet:
    """One measurement; a link fills the same one again and again."""

    q: Array
    """Joint positions, (n,) [rad]."""
    dq: Array
    """Joint velocities, (n,) [rad/s]."""
    tau: Array
    """Torque that the robot says it applied since the last packet, gravity excluded, (n,) [N m]."""
    tau_external: Array
    """Estimated external torque, (n,) [N m]."""
    tau_measured: Array
    """Torque that the robot measured at its joints, gravity excluded, (n,) [N m]; not a number where there is none."""
    stamp: float = 0.0
    """The robot's own time [s]."""
    lost: int = 0
    """Periods without a packet since the last one; the robot held its torque meanwhile."""


def empty_packet(n: int) -> Packet:
    """A packet for ``n`` joints, all zero."""
    q, dq, tau, tau_external = np.zeros((4, n))
    return Packet(q=q, dq=dq, tau=tau, tau_external=tau_external, tau_measured=np.full(n, np.nan))


class ArmLink(Protocol):
    """A robot's wire. ``__init__`` opens nothing; errors are ``ArmRefusedError`` and ``ArmFaultError``."""

    name: str
    period: float
    """Time between packets [s]."""
    guarantee: str
    """What the energy ledger is worth on this robot, in one sentence."""
    arm: ArmModel
    """Final only after ``open``: the robot itself says which model it is."""

    def open(self) -> Packet:
        """Connect and check, without control; returns a packet."""
        ...

    def take_control(self) -> Packet:
        """From now on every packet wants an answer; returns the first. Called once everything else is ready."""
        ...

    def read(self) -> Packet:
        """Block until the next packet."""
        ...

    def write(self, tau: Array) -> None:
        """Answer the packet with torques (n,) [N m], gravity excluded."""
        ...

    def peek(self) -> Packet:
        """A packet while the robot is not controlled, never answered: the last one, a period later, if none comes."""
        ...

    def recover(self) -> Packet:
        """Clear the robot's error and take control again: a person's decision, never a side effect."""
        ...

    def close(self) -> None:
        """Give control back and disconnect; may be called twice."""
        ...


def vendor(module: str, package: str) -> ModuleType:
    """Import a manufacturer's library when it is needed; ``MissingDependencyError`` says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        reason = " ".join(str(error).split())[:120]
        message = f"{module} cannot be imported ({reason}); install it with: pip install {package}"
        raise MissingDependencyError(message) from None


AT_REST = 0.05
"""Joint speed below which an arm is at rest [rad/s]."""
WRONG_LOAD = 5.0
"""External torque at rest that says that the payload is set wrong [N m]."""


def refuse_unfit(name: str, arm: ArmModel, packet: Packet) -> None:
    """``ArmRefusedError`` unless the arm is finite, at rest, inside its limits and its payload is right."""
    if not all(np.isfinite(x).all() for x in (packet.q, packet.dq, packet.tau_external)):
        raise ArmRefusedError(f"{name}: its state is not finite; restart the robot")
    if np.abs(packet.dq).max() > AT_REST:
        speed = float(np.abs(packet.dq).max())
        raise ArmRefusedError(f"{name}: it moves at {speed:.2f} rad/s; wait until it is at rest, then start again")
    for i, (q, low, high) in enumerate(zip(packet.q, arm.q_min, arm.q_max, strict=True)):
        if not low < q < high:
            where = f"joint {i + 1} is at {q:.3f} rad, outside {low:.3f} to {high:.3f}"
            raise ArmRefusedError(f"{name}: {where}; move it back by hand")
    load = float(np.abs(packet.tau_external).max())
    if load > WRONG_LOAD:
        what = f"{load:.1f} N m of external torque at rest, allowed {WRONG_LOAD:.0f}"
        raise ArmRefusedError(f"{name}: {what}; set the payload, or free the arm")
