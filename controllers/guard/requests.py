"""What can be asked of an arm at its desk, beside what shared memory does within a tick.

Everything is decided by the supervisor; this only parks the loop around it and translates. Names of the requests:
``status activate deactivate clear recover home acquire release set_preset tighten dump_blackbox``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.guard.desk import Action, Request
from controllers.guard.lifecycle import Ask, Phase, alive
from controllers.guard.supervisor import Supervisor
from controllers.loop.realtime_loop import RealtimeLoop
from controllers.parameters.presets import PRESETS, ControllerConfig, preset
from robot_rl.core.errors import ActivationRefusedError, ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.records import Array, Source

TIGHTENED = ("wrench_max", "v_max", "kinetic_max", "P_max", "stiffness")
"""Parameters that ``tighten`` takes: one number, or two for linear and angular."""
Ceiling = Callable[[ControllerConfig], ControllerConfig]


class ArmRequests:
    """Requests to the arm of one loop.

    Args:
        loop: Runs the arm.
        supervisor: Guards it.
        ceiling: Brings any configuration under the limits of the station.
        dump: Writes the black box and returns the file; None: there is no box.
        strict: Refuse to start the arm on a loop that does not keep time.
    """

    def __init__(
        self,
        loop: RealtimeLoop,
        supervisor: Supervisor,
        ceiling: Ceiling = lambda config: config,
        dump: Callable[[], Path] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.loop, self.supervisor, self.ceiling, self.dump = loop, supervisor, ceiling, dump
        self.strict = strict

    def actions(self) -> dict[str, Action]:
        """By the name that they are asked for with."""
        names = "status activate deactivate clear recover home acquire release set_preset tighten dump_blackbox"
        return {name: getattr(self, name) for name in names.split()}

    @contextmanager
    def _parked(self) -> Iterator[float]:
        """Between two ticks; gives the arm's own time [s]."""
        self.loop.park()
        try:
            yield float(self.loop.rig.loop["ticks"]) * self.loop.plant.period
        finally:
            self.loop.resume()

    def _said(self) -> dict[str, Any]:
        phase, trouble = self.supervisor.phase, self.loop.trouble
        text = f"{self.supervisor.explain()} ({trouble})" if trouble else self.supervisor.explain()
        return {"text": text, "phase": phase.name, "reason": self.supervisor.reason.name}

    def _recover(self, now: float) -> None:
        self.loop.mend()
        self.supervisor.recover(now)

    def status(self, _: Request) -> Mapping[str, Any]:
        """Phase, why, who owns the arm, and the effective stiffness."""
        guard, settings = self.supervisor.guard, self.supervisor.controller.settings
        owner = {"owner": int(guard["owner"]), "epoch": int(guard["epoch"]), "ignored": int(guard["ignored"])}
        limits = {name: getattr(settings, name) for name in TIGHTENED}
        return {**self._said(), **owner, "limits": limits}

    def activate(self, _: Request) -> Mapping[str, Any]:
        """Start softly, or say every reason not to. An arm that lives already, or only waits for commands, may."""
        self._keeps_time()
        with self._parked() as now:
            arm = self.supervisor
            if arm.phase is Phase.UNCONFIGURED:
                arm.configure()
            if arm.phase is Phase.DAMP and not alive(arm.phase, arm.reason):
                self._recover(now)
            elif not alive(arm.phase, arm.reason):
                arm.activate(self.loop.measured())
        return self._said()

    def deactivate(self, _: Request) -> Mapping[str, Any]:
        """Damp, and follow no commands; granted in the next tick."""
        self.loop.exchange.ask(Ask.DEACTIVATE)
        return {"text": "the arm lets go"}

    def clear(self, _: Request) -> Mapping[str, Any]:
        """Unlatch the software stop, or leave a fault or a rest: whichever holds the arm."""
        with self._parked() as now:
            if self.supervisor.phase in (Phase.FAULT, Phase.DAMP):
                self._recover(now)
            else:
                self.supervisor.clear(now)
        return self._said()

    def recover(self, _: Request) -> Mapping[str, Any]:
        """Leave a fault or a rest in which the arm damps."""
        with self._parked() as now:
            self._recover(now)
        return self._said()

    def home(self, request: Request) -> Mapping[str, Any]:
        """Go home through joint space, or to the joint positions ``q`` [rad]."""
        self._keeps_time()
        self.loop.go_home(_joints(request["q"], self.supervisor.controller.arm) if "q" in request else None)
        return self._said()

    def _keeps_time(self) -> None:
        problems = self.loop.soft() if self.strict else []
        if problems:
            remedy = "see robot-rl doctor --realtime; for trials: soft_realtime under robot in the station file"
            raise ActivationRefusedError(f"the arm does not start: {'; '.join(problems)}: {remedy}")

    def acquire(self, request: Request) -> Mapping[str, Any]:
        """Take the arm for a source: ``source``, ``ttl`` [s]; the answer has the ``epoch`` for its commands."""
        with self._parked() as now:
            epoch = self.supervisor.acquire(Source(int(request["source"])), float(request["ttl"]), now)
        if epoch == 0:
            owner = Source(int(self.supervisor.guard["owner"])).name.lower()
            raise ConfigError(f"the arm was not leased, its owner is {owner}: wait until that lease ends")
        return {"epoch": epoch, "text": str(epoch)}

    def release(self, request: Request) -> Mapping[str, Any]:
        """Give the arm back: ``epoch``."""
        with self._parked():
            given = self.supervisor.release(int(request["epoch"]))
        return {"text": "released" if given else "the lease had ended already"}

    def set_preset(self, request: Request) -> Mapping[str, Any]:
        """Take over the preset ``name``, under the station's limits: any while inactive, else only a tighter one."""
        name = check_name("preset", str(request["name"]), PRESETS)
        return self._change(preset(name, self.loop.plant.period))

    def tighten(self, request: Request) -> Mapping[str, Any]:
        """Change single bounds, ``set``: name -> value or values."""
        changes = {name: _value(name, value) for name, value in request["set"].items()}
        settings = self.supervisor.controller.settings
        pairs = {name for name in changes if isinstance(getattr(settings, name), tuple)}
        for name in pairs & {n for n, value in changes.items() if len(value) == 1}:
            changes[name] = (*changes[name], getattr(settings, name)[1])
        return self._change(replace(settings, **{n: v if n in pairs else v[0] for n, v in changes.items()}))

    def _change(self, config: ControllerConfig) -> Mapping[str, Any]:
        with self._parked():
            self.supervisor.change_config(self.ceiling(config))
        return {"limits": {name: getattr(self.supervisor.controller.settings, name) for name in TIGHTENED}}

    def dump_blackbox(self, _: Request) -> Mapping[str, Any]:
        """Write the black box to disk; the answer's text is the file."""
        if self.dump is None:
            raise ConfigError("this arm keeps no black box: start it with one")
        path = self.dump()
        if not path.exists():
            raise ConfigError(f"the black box could not be written: make room in {path.parent}")
        return {"text": str(path)}


def _joints(q: Any, arm: ArmModel) -> Array:  # noqa: ANN401  (as JSON gives it)
    found = np.array([float(x) for x in q])
    if len(found) != arm.n or not ((found > arm.q_min) & (found < arm.q_max)).all():
        ends = ", ".join(f"{low:.2f} to {high:.2f}" for low, high in zip(arm.q_min, arm.q_max, strict=True))
        raise ConfigError(f"give {arm.n} joint positions within {ends} rad")
    return found


def _value(name: str, value: Any) -> tuple[float, ...]:  # noqa: ANN401  (as JSON gives it)
    check_name("bound", name, TIGHTENED)
    values = tuple(float(v) for v in (value if isinstance(value, list) else [value]))
    if not 1 <= len(values) <= 2 or not all(math.isfinite(v) and v >= 0 for v in values):
        raise ConfigError(f"{name} must be one or two numbers that are not negative, it is {value!r}: correct it")
    return values
