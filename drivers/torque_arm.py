"""A driven arm as a ``Robot`` by itself, without a loop of its own: for scripts, and for the contract of every arm."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from controllers.guard.lifecycle import Ask, Phase
from controllers.law.state import energy_state
from controllers.parameters.presets import ControllerConfig
from drivers.driven_arm import DrivenArm, Surroundings
from drivers.link import ArmFaultError, ArmLink
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError
from robot_rl.core.records import Command, RobotState

PATIENCE = 30.0
"""Longest time that a start or a way home may take [s]."""
MOVING = (Phase.HOMING, Phase.SOFT_START, Phase.RECOVERY)
"""Phases on the way to ACTIVE."""


class TorqueArm(DrivenArm):
    """``with`` it is open and INACTIVE; ``activate`` it, then it is a ``Robot``. ``advance`` blocks in the read."""

    def __init__(self, link: ArmLink, controller: ControllerConfig, around: Surroundings | None = None) -> None:
        super().__init__(link, controller, around)
        self.interrupt: Callable[[], bool] = lambda: False
        """Asked in every tick of a start or a way home; True ends it with the arm at rest."""

    def state(self) -> RobotState:
        """The newest packet, and what the controller made of it."""
        rec, packet = self.controller.state, self._packet
        return RobotState(
            stamp=self.now(),
            q=packet.q.copy(),
            dq=packet.dq.copy(),
            tau=rec["tau"].copy(),
            ee_pose=rec["ee_pose"].copy(),
            ee_twist=rec["ee_twist"].copy(),
            wrench=rec["wrench"].copy(),
            peak_force=float(rec["peak_force"]),
            reference=rec["goal"].copy(),
            gripper=float(self.around.hand.measured.sum()),
            energy=energy_state(rec),
        )

    def send(self, command: Command) -> Command:
        """Hand a command to the guard; returned as accepted. ``CommandRejectedError`` says why not."""
        if self.fault:
            raise CommandRejectedError(f"the arm is at fault and waits to be recovered: {self.fault}")
        self.supervisor.submit(command, self.now())
        hand, state = self.around.hand, self.controller.state
        state["peak_force"] = 0.0
        opening = min(max(command.gripper, 0.0), hand.widest)
        hand.target[:] = 0.5 * opening
        return replace(command, pose=state["goal"].copy(), gripper=opening)

    def stop(self) -> None:
        """Hold from the next tick on."""
        self.supervisor.ask(Ask.HOLD)

    def activate(self) -> None:
        """Start softly, and wait until the arm follows commands; after a fault: ``recover`` it first."""
        if self.fault:
            raise ActivationRefusedError(f"the arm is not activated: {self.fault}")
        self.advance(1)
        self.supervisor.activate(self.measured())
        self._until_active("the start")

    def recover(self) -> None:
        """Clear the fault, the robot's own too, and start softly from where the arm is: a person's decision."""
        super().recover()
        self.supervisor.recover(self.now())
        self._until_active("the recovery")

    def reset(self, seed: int) -> None:  # noqa: ARG002  (a robot has no scene to set up)
        """Come to rest, refill the tank and go home under guard; ``ArmFaultError`` when that is ended."""
        if self.fault:
            raise ArmFaultError(f"cannot reset: {self.fault}")
        self.supervisor.check_reset()
        self.supervisor.home(self.measured())
        self._until_active("the way home")

    def _until_active(self, what: str) -> None:
        for _ in range(math.ceil(PATIENCE / self.period)):
            self.advance(1)
            if self.supervisor.phase is Phase.ACTIVE:
                return
            if self.fault or self.supervisor.phase not in MOVING:
                break
            if self.interrupt():
                self.supervisor.ask(Ask.DEACTIVATE)
        raise ArmFaultError(f"{what} was ended: {self.fault or self.supervisor.explain()}")
