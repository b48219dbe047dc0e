"""The passive Cartesian impedance controller as an object; the work is done by the kernels of ``tick``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numba
import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.law.interpolation import ACCEPTED, REASONS, accept, accept_chunk
from controllers.law.state import WAYPOINTS, command_record, energy_state, state_dtype
from controllers.law.tick import reset, tick
from controllers.numeric.jit import kernel
from controllers.parameters.presets import ControllerConfig
from controllers.parameters.tighten import check_tighter, clamp_springs
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Array, Command, EnergyState

FLOAT = np.dtype(np.float64)


@kernel
def _tick_first(records: tuple[Array, Array, Array], q: Array, dq: Array, tau_external: Array, now: float) -> None:
    """``tick`` on arrays that hold one record each: numba takes those over faster than the records themselves."""
    tick(records[0][0], records[1][0], records[2][0], q, dq, tau_external, now)


class PassiveImpedance:
    """A spring-damper at the tool centre point whose energy is accounted for, whatever it is told.

    Its records ``model``, ``config`` and ``state`` can be handed to kernels (``tick.tick``, ``interpolation.accept``).
    """

    def __init__(self, model: ArmModel, config: ControllerConfig) -> None:
        self.arm = model
        self.settings = config
        records = (model.record(), config.record(model), np.zeros((), state_dtype(model.n))[()])
        self._records = tuple(np.array([record]) for record in records)
        self.model, self.config, self.state = (array[0] for array in self._records)
        self._tau: Array = self.state["tau"]
        self.reset(model.home, np.zeros(model.n))

    @property
    def records(self) -> tuple[Array, Array, Array]:
        """Arrays of length one that hold the records of the model, the configuration and the state."""
        return self._records

    def reset(self, q: Array, dq: Array) -> None:
        """Start anew at ``q`` [rad], ``dq`` [rad/s], (n,): reference and goal there, tank full, ledger at zero."""
        reset(self.model, self.config, self.state, _vector(q), _vector(dq))

    def submit(self, command: Command, now: float) -> None:
        """Make ``command`` the goal, or raise ``CommandRejectedError``; the arm then holds, and the state counts it."""
        code = accept(self.config, self.state, command_record(command), now)
        if code != ACCEPTED:
            raise CommandRejectedError(f"command {command.seq} was refused, {REASONS[code]}")

    def submit_chunk(self, commands: Sequence[Command], now: float) -> None:
        """Follow commands at their ``stamp`` [s], the waypoints; the last one says the rest.

        A chunk that is still being played is blended into the new one, and its tail discarded.
        ``CommandRejectedError`` when there is anything wrong; the arm then holds.
        """
        self.write_chunk(commands)
        code = accept_chunk(self.config, self.state, command_record(commands[-1]), len(commands), now)
        if code != ACCEPTED:
            raise CommandRejectedError(f"chunk {commands[-1].seq} was refused, {REASONS[code]}")

    def write_chunk(self, commands: Sequence[Command]) -> None:
        """Put the waypoints of a chunk where ``accept_chunk`` looks for them."""
        if not 0 < len(commands) <= WAYPOINTS:
            raise CommandRejectedError(f"a chunk has {len(commands)} commands: send 1 to {WAYPOINTS}")
        for i, command in enumerate(commands):
            self.state["waypoints_new"][i, 0] = command.stamp
            self.state["waypoints_new"][i, 1:] = command.pose

    def tighten(self, config: ControllerConfig) -> None:
        """Take over ``config``, which may be narrower than the present one in every bound but wider in none.

        Allowed at any time. ``ConfigError`` names the first bound that would loosen, and nothing is changed.
        """
        record = config.record(self.arm)
        check_tighter(self.config, record)
        self._records[1][0] = record
        clamp_springs(self.config, self.state)
        self.settings = config

    def tick(self, q: Array, dq: Array, tau_external: Array, now: float) -> Array:
        """Measured ``q`` [rad], ``dq`` [rad/s], external torque [N m] -> torque [N m] to hold till the next tick, (n,).

        Gravity is excluded. The array is the state's own and changes with the next tick.
        """
        self._compiled(self._records, _vector(q), _vector(dq), _vector(tau_external), now)
        return self._tau

    @cached_property
    def _compiled(self) -> Callable[..., None]:
        """The machine code of the tick: to look it up by the types of the arguments would cost more than the law."""
        vector = _vector(self._tau)
        arguments = (self._records, vector, vector, vector, 0.0)
        return _tick_first.compile(tuple(numba.typeof(argument) for argument in arguments))

    def energy(self) -> EnergyState:
        """The passivity ledger."""
        return energy_state(self.state)


def _vector(x: Array) -> Array:
    return np.ascontiguousarray(x, FLOAT)
