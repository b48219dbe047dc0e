"""The faults of the matrix: what each does to measurements, to commands, to requests, to the arm itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from controllers.guard.lifecycle import Ask
from controllers.guard.supervisor import Measurement
from robot_rl.core.records import Command, Source
from sim.guarded_twin import GuardedTwin

Measure = Callable[[GuardedTwin, Measurement, int], Measurement]
Commands = Callable[[Command, int], list[Command]]
Act = Callable[[GuardedTwin, int], None]


def _same(_: GuardedTwin, measured: Measurement, __: int) -> Measurement:
    return measured


def _nothing(_: GuardedTwin, __: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault, from tick 0 on; before it nothing happens."""

    name: str
    measured: Measure = _same
    """(twin, measurement, tick >= 0) -> what the controller is told."""
    commands: Commands = lambda command, _: [command]
    """(command, tick >= 0) -> what arrives of it."""
    act: Act = _nothing
    """(twin, tick >= 0): before the tick."""
    coasts: bool = False
    """It may move on: something outside pushes it, or its own encoders cannot be believed, so that only its friction
    brakes it."""
    irrelevant: tuple[str, ...] = ()
    """Situations in which it makes no difference: on its way home the arm obeys no commands, and encoders that are
    frozen tell nothing new of a twin at perfect rest."""

    def measure(self, twin: GuardedTwin, measurement: Measurement, k: int) -> Measurement:
        """What the controller is told in tick ``k``."""
        return self.measured(twin, measurement, k) if k >= 0 else measurement

    def command(self, command: Command, k: int) -> list[Command]:
        """What arrives of a command."""
        return self.commands(command, k) if k >= 0 else [command]

    def ask(self, twin: GuardedTwin, k: int) -> None:
        """What else happens before tick ``k``."""
        if k >= 0:
            self.act(twin, k)


def told(ticks: int, change: Callable[[Measurement], Measurement]) -> Measure:
    """For ``ticks`` ticks the controller is told something else."""
    return lambda _, measured, k: change(measured) if k < ticks else measured


def joint(index: int, value: float) -> np.ndarray:
    """A vector (7,) with one entry."""
    out = np.zeros(7)
    out[index] = value
    return out


def _frozen() -> Measure:
    kept: dict[int, Measurement] = {}

    def freeze(twin: GuardedTwin, measured: Measurement, _: int) -> Measurement:
        first = kept.setdefault(id(twin), measured)
        return replace(first, now=measured.now)

    return freeze


def _shifted(command: Command, **changes: object) -> list[Command]:
    return [replace(command, **changes)]


def _push(twin: GuardedTwin, k: int) -> None:
    twin.data.xfrc_applied[twin.model.body("hand").id, 1] = 120.0 if k < 400 else 0.0


def _fall(twin: GuardedTwin, _: int) -> None:
    twin.data.xfrc_applied[twin.model.body("hand").id, 2] = -50.0


def _felt(force: np.ndarray) -> Measure:
    """The robot's estimate of the external torque contains the force (3,) [N] on its tool."""
    return lambda twin, m, _: replace(m, tau_external=m.tau_external + twin.arm.jacobian(m.q)[:3].T @ force)


def _person(twin: GuardedTwin, k: int) -> None:
    if k == 0:
        twin.supervisor.acquire(Source.HUMAN, 10.0, twin.now())


def _broken_ledger(twin: GuardedTwin, k: int) -> None:
    if k == 0:
        twin.controller.state["T"] = np.nan


def _asks(request: Ask, ticks: int) -> Act:
    return lambda twin, k: twin.supervisor.ask(request) if k < ticks else None


FAULTS = (
    Case(name="garbled packet", measured=told(1, lambda m: replace(m, q=m.q * np.nan))),
    Case(name="garbled packets", measured=told(5, lambda m: replace(m, dq=m.dq + np.inf))),
    Case(name="torque sensor broken", measured=told(9999, lambda m: replace(m, tau_external=m.tau_external + np.nan))),
    Case(name="encoders frozen", measured=_frozen(), coasts=True, irrelevant=("holding",)),
    Case(name="encoder jumps", measured=told(9999, lambda m: replace(m, q=m.q + joint(2, 0.3)))),
    Case(name="velocity spike", measured=told(3, lambda m: replace(m, dq=m.dq + joint(1, 9.0)))),
    Case(name="joint beyond its end", measured=told(9999, lambda m: replace(m, q=m.q + joint(5, 3.0)))),
    Case(name="clock runs back", measured=lambda _, m, __: replace(m, now=m.now - 0.5)),
    Case(name="loop stands still", measured=lambda _, m, __: replace(m, now=m.now + 0.1)),
    Case(name="packets lost", measured=lambda _, m, __: replace(m, now=m.now + 0.009)),
    Case(name="commands stop", commands=lambda _, __: [], irrelevant=("homing",)),
    Case(name="command not finite", commands=lambda c, _: _shifted(c, pose=c.pose * np.nan), irrelevant=("homing",)),
    Case(name="command too far", commands=lambda c, _: _shifted(c, pose=c.pose + joint(0, 1)), irrelevant=("homing",)),
    Case(name="commands repeated", commands=lambda c, _: [c, c, replace(c, seq=1)]),
    Case(name="command expired", commands=lambda c, _: _shifted(c, valid_until=c.stamp - 1.0), irrelevant=("homing",)),
    Case(name="two owners", act=_person, irrelevant=("homing",)),
    Case(name="bridge silent", commands=lambda _, __: [], act=_asks(Ask.SILENT, 9999)),
    Case(name="stop pressed", act=_asks(Ask.STOP, 1)),
    Case(name="pushed hard", act=_push, measured=_felt(np.array([0.0, 120.0, 0.0])), coasts=True),
    Case(name="load too heavy", act=_fall, measured=_felt(np.array([0.0, 0.0, -50.0])), coasts=True),
    Case(name="ledger destroyed", act=_broken_ledger),
)
"""Each is run in every situation."""
