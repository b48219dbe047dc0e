"""A robot behind the protocols ``Robot`` and ``Plant``: the controller's tick between a link's packets."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from controllers.impedance_controller import PassiveImpedance
from controllers.law.interpolation import hold
from controllers.law.state import energy_state
from controllers.parameters.presets import ControllerConfig
from drivers.homing import go_home
from drivers.link import ArmFaultError, ArmLink, Packet, empty_packet
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.protocols import Poses
from robot_rl.core.records import Array, Command, Mode, RobotState

LOG = logging.getLogger("arm")
LEAVE = 1.0
"""Longest time that the arm gets to come to rest before a reset, or when it is left [s]."""
RESTING = 0.015
"""Joint speed that counts as rest, above the noise of a measured speed [rad/s]."""


def warm(controller: PassiveImpedance) -> PassiveImpedance:
    """Compile everything a tick needs now: a robot that is controlled waits for nobody."""
    rest = np.zeros(controller.arm.n)
    home = controller.arm.home
    pose = controller.arm.forward(home)
    controller.tick(home, rest, rest, 0.0)
    controller.submit(Command(stamp=0.0, seq=0, valid_until=0.1, duration=0.1, pose=pose, gripper=0.0), 0.0)
    hold(controller.state)
    controller.reset(home, rest)
    return controller


class TorqueArm:
    """An arm that takes torques, one per packet; the packets are its clock, so ``advance`` blocks.

    It starts where the arm is, with no command: it holds. A fault of the robot ends the control: from then on it
    only reports its state, refuses commands and resets, and waits for ``recover``.

    Args:
        link: The robot's wire; it knows the arm's model once it is open.
        controller: What the controller is told; its period becomes the link's.
        objects: Where the tracked objects are; None: there are none.
    """

    paced = True
    """The robot's packets are the clock: a loop around this arm must not wait for deadlines of its own."""

    def __init__(
        self, link: ArmLink, controller: ControllerConfig, objects: Callable[[], Poses] | None = None
    ) -> None:
        self.link, self.period = link, link.period
        self.settings = replace(controller, period=link.period)
        self.controller = warm(PassiveImpedance(link.arm, self.settings))
        self.interrupt: Callable[[], bool] = lambda: False
        """Asked in every tick of a reset; True ends it with the arm on hold."""
        self.fault = ""
        """Why the robot is not controlled; empty while it is."""
        self.lost = 0
        """Packets lost since the arm was opened."""
        self._objects = objects
        self._packet = empty_packet(link.arm.n)
        self._open = False

    def __enter__(self) -> TorqueArm:
        self._start(self.link.open())
        self._open = True
        LOG.info("%s: %s", self.link.name, self.link.guarantee)
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            if self._open and not self.fault:
                self._come_to_rest()
        finally:
            self._open = False
            self.link.close()

    def _start(self, packet: Packet) -> None:
        if self.controller.arm is not self.link.arm:
            self.controller = PassiveImpedance(self.link.arm, self.settings)
        self._packet, self.fault = packet, ""
        self.controller.reset(packet.q, packet.dq)

    def advance(self, ticks: int) -> None:
        """Answer ``ticks`` packets; while the robot is not controlled, only listen to as many."""
        for _ in range(ticks):
            if self.fault:
                self._packet = self.link.peek()
                continue
            try:
                self._answer()
            except ArmFaultError as error:
                self._fail(str(error))

    def _answer(self) -> None:
        self._packet = packet = self.link.read()
        self.lost += packet.lost
        state = self.controller.state
        state["tau"] = packet.tau
        tau = self.controller.tick(packet.q, packet.dq, packet.tau_external, packet.stamp)
        if not np.isfinite(tau).all():
            raise ArmFaultError(f"{self.link.name}: the controller's torque is not finite; keep the log and report it")
        self.link.write(tau)

    def _fail(self, reason: str) -> None:
        self.fault = reason
        LOG.error("%s", reason)
        state = self.controller.state
        state["tau"] = 0.0
        hold(state)
        state["mode"] = Mode.FAULT

    def now(self) -> float:
        """The robot's own time at the newest packet [s]."""
        return self._packet.stamp

    def state(self) -> RobotState:
        """The newest packet, and what the controller made of it."""
        rec, packet = self.controller.state, self._packet
        return RobotState(
            stamp=packet.stamp,
            q=packet.q.copy(),
            dq=packet.dq.copy(),
            tau=rec["tau"].copy(),
            ee_pose=rec["ee_pose"].copy(),
            ee_twist=rec["ee_twist"].copy(),
            wrench=rec["wrench"].copy(),
            peak_force=float(rec["peak_force"]),
            reference=rec["goal"].copy(),
            gripper=0.0,
            energy=energy_state(rec),
        )

    def objects(self) -> Poses:
        """Poses of the tracked objects."""
        return self._objects() if self._objects else {}

    def send(self, command: Command) -> Command:
        """Hand a command to the controller; returned as accepted. ``CommandRejectedError`` while at fault, too."""
        if self.fault:
            raise CommandRejectedError(f"the arm is at fault and waits to be recovered: {self.fault}")
        self.controller.submit(command, self.now())
        state = self.controller.state
        state["peak_force"] = 0.0
        return replace(command, pose=state["goal"].copy())

    def stop(self) -> None:
        """Hold where the arm is."""
        hold(self.controller.state)

    def reset(self, seed: int) -> None:  # noqa: ARG002  (a robot has no scene to set up)
        """Come to rest, go home through the same filter, refill the tank. ``ArmFaultError`` when that fails."""
        if self.fault:
            raise ArmFaultError(f"cannot reset: {self.fault}")
        self.stop()
        self._wait_for_rest(LEAVE)
        self.controller.reset(self._packet.q, self._packet.dq)
        go_home(self)
        self._wait_for_rest(LEAVE)
        self.controller.reset(self._packet.q, self._packet.dq)

    def recover(self) -> None:
        """Clear the robot's fault and control it again, from where it is, with a full tank: a person's decision."""
        self._start(self.link.recover())

    def home_pose(self) -> Array:
        """Pose (7,) of the tool centre point at the arm's home."""
        return self.controller.arm.forward(self.controller.arm.home)

    def _wait_for_rest(self, limit: float) -> None:
        for _ in range(math.ceil(limit / self.period)):
            if self.fault or np.abs(self._packet.dq).max() < RESTING:
                return
            self.advance(1)

    def _come_to_rest(self) -> None:
        self.stop()
        self.advance(1)
        self._wait_for_rest(LEAVE)
        reach = self.controller.config["brake_rate"] * self.period
        try:
            tau = self.controller.state["tau"].copy()
            while np.abs(tau).max() > 0.0 and not self.fault:
                self._packet = self.link.read()
                tau = np.clip(0.0, tau - reach, tau + reach)
                self.link.write(tau)
        except ArmFaultError as error:
            self._fail(str(error))
