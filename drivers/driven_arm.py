"""A robot's link with a supervised controller behind it: what the arm process drives, packet by packet.

It is found INACTIVE: it damps, and moves only after a person or a program has activated it. Nothing is answered before
``take_control``, and that comes last: a robot that is controlled waits for nobody.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.guard.collision import Shape
from controllers.guard.lifecycle import Ask
from controllers.guard.record import Box, GuardConfig
from controllers.guard.supervisor import Measurement, Supervisor
from controllers.impedance_controller import PassiveImpedance
from controllers.loop.plant import PlantPort
from controllers.loop.rehearsal import rehearse
from controllers.parameters.line import LineLimits
from controllers.parameters.presets import ControllerConfig
from drivers.hand import Hand, NoHand
from drivers.link import ArmFaultError, ArmLink, Packet, empty_packet
from robot_rl.core.protocols import Poses

LOG = logging.getLogger("arm")
LEAVE = 1.0
"""Longest time that the arm gets to come to rest when it is left [s]."""
RESTING = 0.015
"""Joint speed that counts as rest, above the noise of a measured speed [rad/s]."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an arm is told beside its controller's settings."""

    guard: GuardConfig = field(default_factory=GuardConfig)
    """Times and distances of the guard."""
    shape: Callable[[ArmModel], Shape] | None = None
    """The body of an arm among its obstacles; None: no collision check."""
    box: Box | None = None
    """The black box; None: none."""
    line: LineLimits = field(default_factory=LineLimits)
    """What the line to the robot may do at its worst; the controller must have been told."""
    hand: Hand = field(default_factory=NoHand)
    """The gripper."""


class DrivenArm:
    """An arm that takes torques, one per packet; the packets are its clock.

    A fault of the robot ends the control: from then on the guard is in FAULT, the arm only reports its state, and a
    person's ``recover`` takes control again.

    Args:
        link: The robot's wire; it knows the arm's model once it is open.
        controller: What the controller is told; its period becomes the link's.
        around: What the guard is told, and the gripper.
    """

    def __init__(self, link: ArmLink, controller: ControllerConfig, around: Surroundings | None = None) -> None:
        self.link, self.period = link, link.period
        self.settings, self.around = replace(controller, period=link.period), around or Surroundings()
        self.fault = ""
        """Why the robot is not controlled any more; empty while it is, and before it is for the first time."""
        self.controlled = False
        self.lost = 0
        """Packets lost since the arm was opened."""
        self.ticks = 0
        """Control periods since then, the lost ones included."""
        self._packet: Packet = empty_packet(link.arm.n)
        self._port: PlantPort | None = None
        self._build()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _build(self) -> None:
        arm, around = self.link.arm, self.around
        self.arm, self.controller = arm, PassiveImpedance(arm, self.settings)
        self.supervisor = Supervisor(
            self.controller, around.guard, around.shape(arm) if around.shape else None, around.box
        )
        self.supervisor.line = around.line
        self.supervisor.configure()

    def open(self) -> None:
        """Connect and check, with everything compiled: nothing is controlled yet."""
        self._packet = self.link.open()
        if self.arm is not self.link.arm:
            self._build()
        rehearse(self.arm, self.settings, self.around.guard)
        self.controller.reset(self._packet.q, self._packet.dq)
        self.around.hand.open()

    def close(self) -> None:
        """Come to rest, take the torque back, disconnect."""
        try:
            self.leave()
        finally:
            self.around.hand.close()
            self.link.close()

    def take_control(self) -> None:
        """From now on every packet is answered."""
        self._packet = self.link.take_control()
        self.controlled, self.fault = True, ""
        LOG.info("%s: %s", self.link.name, self.link.guarantee)

    def recover(self) -> None:
        """Clear the robot's own fault, if there is one, and control it again: a person's decision."""
        if self.fault:
            self._packet = self.link.recover()
            self.controlled, self.fault = True, ""

    def port(self) -> PlantPort:
        """What the compiled loop works on: ``listen`` fills it, ``answer`` sends what the tick chose."""
        if self._port is None:
            n, hand = self.arm.n, self.around.hand
            self._port = PlantPort(
                q=self._packet.q.copy(),
                dq=self._packet.dq.copy(),
                tau_external=np.zeros(n),
                applied=np.zeros(n),
                fingers=hand.target,
                finger_q=hand.measured,
                gripper=np.array([0.0, hand.widest]),
                objects=np.zeros((0, 7), np.int64),
                step=0,
                model=0,
                data=0,
            )
        return self._port

    def listen(self) -> int:
        """Wait for a packet and put it where the tick looks for it; the number of packets that were lost before it."""
        if self.controlled:
            try:
                self._packet = self.link.read()
            except ArmFaultError as error:
                self._fail(str(error))
        else:
            self._packet = self.link.peek()
        packet, port, state = self._packet, self.port(), self.controller.state
        port.q[:], port.dq[:], port.tau_external[:] = packet.q, packet.dq, packet.tau_external
        state["tau"] = packet.tau if self.controlled else 0.0
        state["tau_measured"] = packet.tau_measured
        lost = packet.lost if self.controlled else 0
        self.lost += lost
        self.ticks += 1 + lost
        if self.fault:
            self.supervisor.ask(Ask.ROBOT_STOPPED)
        return lost

    def answer(self) -> None:
        """Send the torque that the tick chose, if the robot is controlled."""
        if not self.controlled:
            return
        tau = self.controller.state["tau"]
        try:
            if not np.isfinite(tau).all():
                raise ArmFaultError(f"{self.link.name}: the torque is not finite; keep the log and report it")
            self.link.write(tau)
        except ArmFaultError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        self.fault, self.controlled = reason, False
        LOG.error("%s", reason)

    def advance(self, ticks: int) -> None:
        """Answer ``ticks`` packets; while the robot is not controlled, only listen to as many."""
        if not self.controlled and not self.fault:
            self.take_control()
        for _ in range(ticks):
            self.listen()
            self.supervisor.tick(self.measured())
            self.answer()

    def measured(self) -> Measurement:
        """What the arm reported last."""
        port = self.port()
        return Measurement(q=port.q, dq=port.dq, tau_external=port.tau_external, now=self.now())

    def now(self) -> float:
        """The robot's time since the arm was opened [s]."""
        return self.ticks * self.period

    def objects(self) -> Poses:
        """A robot knows of no objects."""
        return {}

    def leave(self) -> None:
        """Come to rest and let the torque fade, if the robot is controlled; then it no longer is."""
        if not self.controlled:
            return
        self.supervisor.ask(Ask.DEACTIVATE)
        self.advance(1)
        for _ in range(math.ceil(LEAVE / self.period)):
            if not self.controlled or np.abs(self._packet.dq).max() < RESTING:
                break
            self.advance(1)
        self._fade()

    def _fade(self) -> None:
        reach = self.controller.config["brake_rate"] * self.period
        tau = self.controller.state["tau"].copy()
        try:
            while self.controlled and np.abs(tau).max() > 0.0:
                self._packet = self.link.read()
                tau = np.clip(0.0, tau - reach, tau + reach)
                self.link.write(tau)
        except ArmFaultError as error:
            self._fail(str(error))
        self.controlled = False
        self.link.close()
