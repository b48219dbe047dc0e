"""The passive Cartesian impedance controller as an object; the work is done by the kernels of ``tick``."""

from __future__ import annotations

import numpy as np

from controllers.arm_model import ArmModel
from controllers.config import ControllerConfig
from controllers.interpolation import ACCEPTED, REASONS, accept
from controllers.state import command_record, energy_state, state_dtype
from controllers.tick import reset, tick
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Array, Command, EnergyState


class PassiveImpedance:
    """A spring-damper at the tool centre point whose energy is accounted for, whatever it is told.

    Its three records can be handed to kernels (``tick.tick``, ``interpolation.accept``); ``state`` may be a view into
    shared memory.
    """

    def __init__(self, model: ArmModel, config: ControllerConfig, state: np.void | None = None) -> None:
        self.arm = model
        self.settings = config
        self.model = model.record()
        self.config = config.record(model)
        self.state = np.zeros((), state_dtype(model.n))[()] if state is None else state
        self.reset(model.home, np.zeros(model.n))

    def reset(self, q: Array, dq: Array) -> None:
        """Start anew at ``q`` [rad], ``dq`` [rad/s], (n,): reference and goal there, tank full, ledger at zero."""
        reset(self.model, self.config, self.state, _vector(q), _vector(dq))

    def submit(self, command: Command, now: float) -> None:
        """Make ``command`` the goal, or raise ``CommandRejectedError``; the arm then holds, and the state counts it."""
        code = accept(self.config, self.state, command_record(command), now)
        if code != ACCEPTED:
            raise CommandRejectedError(f"command {command.seq} was refused, {REASONS[code]}")

    def tick(self, q: Array, dq: Array, tau_external: Array, now: float) -> Array:
        """Measured ``q`` [rad], ``dq`` [rad/s], external torque [N m] -> torque [N m] to hold till the next tick, (n,).

        Gravity is excluded. The array is the state's own and changes with the next tick.
        """
        tick(self.model, self.config, self.state, _vector(q), _vector(dq), _vector(tau_external), now)
        return self.state["tau"]

    def energy(self) -> EnergyState:
        """The passivity ledger."""
        return energy_state(self.state)


def _vector(x: Array) -> Array:
    return np.ascontiguousarray(x, dtype=np.float64)
