"""The life of an arm around its control tick: what is slow, what asks a person, and what is written down.

All that must happen within a tick is in ``guard``. This class is called between ticks: it checks before it starts the
arm, plans the way home, counts recoveries, hands out leases, and reports and dumps what happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controllers.black_box.recorder import no_box
from controllers.guard.arbitration import EXPIRED_LEASE, NOT_OWNER, give_back, grant
from controllers.guard.collision import Shape, make_shape
from controllers.guard.guarded_tick import NOT_ACTIVE, guarded_accept, guarded_chunk, guarded_tick
from controllers.guard.lifecycle import NEXT, REMEDIES, Ask, Phase, Reason, refusals
from controllers.guard.phases import refill, start_softly
from controllers.guard.record import Box, GuardConfig, Guarded, guard_dtype
from controllers.guard.safe_reset import plan_home, write_way
from controllers.guard.watch import enter
from controllers.guard.watchdog import RecoveryBudget
from controllers.impedance_controller import PassiveImpedance
from controllers.law.interpolation import ACCEPTED, REASONS
from controllers.law.state import command_record
from controllers.law.tick import measure
from controllers.parameters.line import LineLimits, line_problems
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError
from robot_rl.core.records import Array, Command, Source

WHY_NOT = {
    NOT_OWNER: "another source has the arm: ask for a lease, or wait",
    EXPIRED_LEASE: "its lease has ended: acquire the arm anew",
    NOT_ACTIVE: "the arm follows no commands now: see its phase",
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What an arm reports at one instant, each (n,)."""

    q: Array
    dq: Array
    tau_external: Array
    """Torque that neither gravity nor the command explains [N m]."""
    now: float
    """[s]"""


class Supervisor:
    """Guards one controller.

    Args:
        controller: The control law and its records; after this its ticks belong to ``guarded_tick``.
        settings: Times and distances.
        shape: The arm's body and the scene; None: no collision check.
        box: The black box; None: none.
    """

    def __init__(
        self,
        controller: PassiveImpedance,
        settings: GuardConfig | None = None,
        shape: Shape | None = None,
        box: Box | None = None,
    ) -> None:
        self.controller, self.settings = controller, settings or GuardConfig()
        shape = shape if shape is not None else make_shape((), ())
        guard = np.zeros(1, guard_dtype(controller.arm.n))
        arm, config, state = controller.records
        self.rig = Guarded(
            arm, config, state, guard, shape, np.zeros((len(shape.capsules), 2, 3)), box or no_box(controller.arm.n)
        )
        self.guard = guard[0]
        self.settings.fill(self.guard, float(controller.config["period"]))
        self.recoveries = RecoveryBudget()
        self.line = LineLimits()
        """What the line to the arm may do: for whoever drives it to declare, before the arm is activated."""
        self._forget()

    def _forget(self) -> None:
        guard = self.guard
        guard["before"] = guard["lease_until"] = guard["blend_start"] = -math.inf
        guard["valid_until"] = guard["contact_since"] = guard["settled_since"] = guard["silent_since"] = math.inf
        guard["clearance"], guard["touched"] = math.inf, 1
        guard["bad"] = guard["same"] = guard["blind"] = guard["deaf"] = 0
        guard["owner"] = guard["last_owner"] = guard["leased"] = guard["blending"] = 0

    @property
    def phase(self) -> Phase:
        """Where the arm is in its life."""
        return Phase(int(self.guard["phase"]))

    @property
    def reason(self) -> Reason:
        """Why it is there."""
        return Reason(int(self.guard["reason"]))

    def explain(self) -> str:
        """Phase, reason and remedy in one line."""
        remedy = REMEDIES[self.reason]
        return f"{self.phase.name}: {remedy}" if remedy else self.phase.name

    def _enter(self, phase: Phase, reason: Reason, now: float) -> None:
        if phase not in NEXT[self.phase]:
            raise ActivationRefusedError(f"the arm cannot go from {self.phase.name} to {phase.name}: {self.explain()}")
        self.guard["touched"] = 1
        enter(self.guard, self.controller.state, phase, reason, now)

    def configure(self) -> None:
        """The first step: ready to be activated."""
        self._enter(Phase.INACTIVE, Reason.ASKED, 0.0)

    def activate(self, measured: Measurement) -> None:
        """Start softly from where the arm is, or raise ``ActivationRefusedError`` with every reason not to."""
        if Phase.SOFT_START not in NEXT[self.phase] or self.phase is not Phase.INACTIVE:
            raise ActivationRefusedError(f"the arm cannot be activated, it is {self.explain()}")
        problems = list(self._refusals(measured))
        if problems:
            raise ActivationRefusedError(f"the arm does not start: {'; '.join(problems)}")
        start_softly(*self._four(), Reason.ASKED, measured.now)

    def _refusals(self, measured: Measurement) -> list[str]:
        control = self.controller
        if not np.isfinite(measured.q).all():
            return list(refusals(control.model, measured.q, measured.dq, measured.tau_external, 0.0))
        self.guard["touched"] = 1
        measure(control.model, control.state, measured.q, measured.dq)
        refill(*self._four())
        spring = float(control.state["V"])
        found = list(refusals(control.model, measured.q, measured.dq, measured.tau_external, spring))
        return found + list(line_problems(control.settings, self.line))

    def _four(self) -> tuple[np.void, np.void, np.void, np.void]:
        return self.controller.model, self.controller.config, self.controller.state, self.guard

    def check_reset(self) -> None:
        """``ActivationRefusedError`` when a person must first clear a stop, or recover from a fault."""
        if self.phase in (Phase.FAULT, Phase.STOPPED, Phase.RECOVERY):
            raise ActivationRefusedError(f"the arm is not reset, it is {self.explain()}")

    def reset(self, q: Array, dq: Array) -> None:
        """Begin anew at ``q``, ``dq`` (n,), controller and guard: for a plant that was put there, as a twin is."""
        self.check_reset()
        self.controller.reset(q, dq)
        self.begin()

    def begin(self) -> None:
        """The plant began anew, and its controller with it, as a twin's reset does it: active at once, time from 0."""
        self.check_reset()
        problems = list(line_problems(self.controller.settings, self.line))
        if problems:
            raise ActivationRefusedError(f"the arm does not start: {'; '.join(problems)}")
        self._forget()
        enter(self.guard, self.controller.state, Phase.ACTIVE, Reason.DONE, 0.0)

    def home(self, measured: Measurement, home: Array | None = None) -> None:
        """Come to rest, refill the tank and go home; or raise ``ActivationRefusedError``."""
        self.follow(self.plan(measured, home), measured)

    def plan(self, measured: Measurement, home: Array | None = None) -> list[Array]:
        """A free way home, which takes some ms to find; it changes nothing, so the arm may move meanwhile."""
        arm = self.controller.arm
        return plan_home(arm, self.rig.shape, measured.q, arm.home if home is None else home, self.settings.margin)

    def follow(self, way: list[Array], measured: Measurement) -> None:
        """Come to rest, refill the tank and follow ``way``, as ``plan`` found it."""
        measure(self.controller.model, self.controller.state, measured.q, measured.dq)
        self._enter(Phase.HOMING, Reason.ASKED, measured.now)
        write_way(self.guard, self.controller.arm, way)

    def recover(self, now: float) -> None:
        """Leave a fault, at a person's request: wait for rest, then start softly. A few times a minute at most."""
        if Phase.RECOVERY not in NEXT[self.phase]:
            raise ActivationRefusedError(f"there is nothing to recover from, the arm is {self.explain()}")
        if not self.recoveries.take(now):
            wait = self.recoveries.wait(now)
            raise ActivationRefusedError(f"too many recoveries: find the cause, and wait for {wait:.0f} s")
        self._enter(Phase.RECOVERY, self.reason, now)

    def clear(self, now: float) -> None:
        """Unlatch the software stop; the arm must then be activated."""
        if self.phase is not Phase.STOPPED:
            raise ActivationRefusedError(f"no stop is latched, the arm is {self.explain()}")
        self._enter(Phase.INACTIVE, Reason.ASKED, now)

    def ask(self, request: Ask) -> None:
        """Have ``request`` granted in the next tick."""
        self.guard["ask"] |= int(request)

    def acquire(self, source: Source, ttl: float, now: float) -> int:
        """Take the arm for ``source`` for ``ttl`` [s]; returns the epoch that its commands must carry, 0: refused."""
        self.guard["touched"] = 1
        return int(grant(self.guard, int(source), ttl, now))

    def release(self, epoch: int) -> bool:
        """Give the arm back; False when the lease had ended already."""
        self.guard["touched"] = 1
        return bool(give_back(self.guard, epoch))

    def submit(self, command: Command, now: float, epoch: int = 0) -> None:
        """Make ``command`` the goal, or raise ``CommandRejectedError``; ``epoch``: the lease it comes under."""
        _raise_for(int(guarded_accept(self.rig, command_record(command), epoch, now)), command)

    def submit_chunk(self, commands: Sequence[Command], now: float, epoch: int = 0) -> None:
        """Follow commands at their stamps, as ``PassiveImpedance.submit_chunk``."""
        self.controller.write_chunk(commands)
        last = command_record(commands[-1])
        _raise_for(int(guarded_chunk(self.rig, last, len(commands), epoch, now)), commands[-1])

    def change_config(self, config: ControllerConfig) -> None:
        """Take over ``config``: any that fits the arm while it is inactive, else only one that tightens every bound."""
        self.guard["touched"] = 1
        if self.phase is Phase.INACTIVE:
            self.controller.records[1][0] = config.record(self.controller.arm)
            self.controller.settings = config
        else:
            self.controller.tighten(config)

    def tick(self, measured: Measurement) -> Array:
        """One guarded tick; the torque to apply (n,) [N m], which changes with the next tick."""
        guarded_tick(self.rig, measured.q, measured.dq, measured.tau_external, measured.now)
        return self.controller.state["tau"]


def why_not(code: int) -> str:
    """Why a command was answered with ``code``; empty for a code that says nothing."""
    return WHY_NOT.get(code) or (REASONS[code] if 0 <= code < len(REASONS) else "")


def _raise_for(code: int, command: Command) -> None:
    if code != ACCEPTED:
        raise CommandRejectedError(f"command {command.seq} was refused, {why_not(code)}")
