"""What the real-time loop may touch of a plant from compiled code: arrays that both see, and a C function."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from controllers.impedance_controller import PassiveImpedance
from robot_rl.core.records import Array


class PlantPort(NamedTuple):
    """Views and addresses; valid as long as the plant lives."""

    q: Array
    """Joint positions, (n,) [rad]."""
    dq: Array
    """Joint velocities, (n,) [rad/s]."""
    tau_external: Array
    """Estimated external torque on the joints, (n,) [N m]."""
    applied: Array
    """Where the joint torques go, (n,) [N m]."""
    fingers: Array
    """Where the targets of the driven fingers go, (f,) [m]; f = 0 for a gripper that is not driven here."""
    finger_q: Array
    """Positions of the driven fingers, (f,) [m]."""
    gripper: Array
    """Opening when no finger is driven, and widest opening, (2,) [m]."""
    objects: NDArray[np.int64]
    """Address of every number of every tracked object's pose, (k, 7)."""
    step: int
    """Address of ``void step(model, data)``: one control period passes. 0: the caller reads and writes the arm."""
    model: int
    data: int


class PortPlant(Protocol):
    """A plant that compiled code can run."""

    period: float
    ticks: int
    """Control periods since the reset."""
    controller: PassiveImpedance

    def port(self) -> PlantPort:
        """Its port; the same arrays each time."""
        ...

    def reset(self, seed: int) -> None:
        """Everything as at the start of the episode that belongs to ``seed``."""
        ...
