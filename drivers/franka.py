"""Franka robots (FER, FR3) by torque, through the manufacturer's ``pylibfranka``.

Why this library: it is the manufacturer's own, and it alone hands every state packet to Python and takes the torque
that answers it (``readOnce``, ``writeOnce``), which the exact ledger needs; franky keeps that loop in a C++ thread and
takes torques from Python at some later time. It holds the GIL while it waits for a packet, which is harmless in the
arm process: that has one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from controllers.arms.arm_model import ArmModel
from controllers.arms.fr3 import fr3
from controllers.arms.panda import panda
from drivers.fci import server_version
from drivers.link import ArmFaultError, ArmRefusedError, Packet, empty_packet, refuse_unfit, vendor
from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.records import Array

PERIOD = 0.001
JOINTS = 7
FER_LAST, FR3_5_9_FIRST = 5, 10
"""Versions of the control interface: up to 5 a FER, from 10 an FR3 with system version 5.9 or newer."""
SPOKEN = (10,)
"""Versions that the released pylibfranka speaks."""
LOUDEST = 100.0
"""Collision thresholds beyond this [N, N m] switch the robot's own protection off in all but name."""
GUARANTEE = (
    "passive at the joint port: the work of the torque that the robot reports (tau_J_d) never exceeds the tank; "
    "the robot's own gravity and friction compensation are outside the ledger"
)


@dataclass(frozen=True, kw_only=True)
class FrankaConfig:
    """What the robot is told before it is controlled."""

    address: str
    """Of the control unit."""
    arm: str = "auto"
    """``fer`` or ``fr3``: any other is refused; ``auto``: whichever it is."""
    collision_torque: float = 30.0
    """The robot stops itself above this external torque, any joint [N m]."""
    collision_force: float = 30.0
    """The robot stops itself above this external force [N], and a moment of as many N m."""
    load_mass: float = 0.0
    """Of what it holds besides its configured end effector [kg]."""
    load_com: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Centre of that mass in the flange's frame [m]."""
    load_inertia: tuple[float, ...] = (0.0,) * 9
    """About that centre, flange's axes, column by column, (9,) [kg m^2]."""
    soft_realtime: bool = False
    """Go on without a real-time kernel. For trials: expect lost packets."""

    def __post_init__(self) -> None:
        check_name("Franka arm", self.arm, ("auto", "fer", "fr3"))
        for name in ("collision_torque", "collision_force"):
            value = getattr(self, name)
            if not 0.0 < value <= LOUDEST:
                raise ConfigError(f"{name} is {value:g}, it must lie between 0 and {LOUDEST:g}; 20 to 40 is usual")
        if not 0.0 <= self.load_mass <= 3.0:
            raise ConfigError(f"load_mass is {self.load_mass:g} kg, the robot carries 0 to 3")


def arm_of(version: int) -> ArmModel:
    """The table that belongs to a version of the control interface (control.md §1.6)."""
    if version <= FER_LAST:
        return panda()
    return fr3(since_5_9=version >= FR3_5_9_FIRST)


class FrankaLink:
    """The wire to a Franka robot.

    Args:
        config: What the robot is told.
        library: Stands in for ``pylibfranka``: another build of it, or a test's.
        probe: Finds the version of the control interface at an address.
    """

    period = PERIOD
    guarantee = GUARANTEE

    def __init__(
        self,
        config: FrankaConfig,
        library: ModuleType | None = None,
        probe: Callable[[str], int] = server_version,
    ) -> None:
        self.config, self.name = config, f"franka {config.address}"
        self.arm = panda()
        self._given, self._probe = library, probe
        self._library: Any = library
        self._robot: Any = None
        self._control: Any = None
        self._model: Any = None
        self._packet = empty_packet(JOINTS)
        self._seen = self._gone = False

    def open(self) -> Packet:
        """Choose the model by the robot's version, connect, check, set thresholds and load."""
        library = self._library = self._given or vendor("pylibfranka", "pylibfranka")
        version = self._probe(self.config.address)
        found = "fer" if version <= FER_LAST else "fr3"
        if self.config.arm not in ("auto", found):
            raise ArmRefusedError(
                f"{self.name}: it is a {found}, the station says {self.config.arm}; correct the station"
            )
        if self._given is None and version not in SPOKEN:
            raise ArmRefusedError(
                f"{self.name}: it speaks version {version} of the control interface and pylibfranka {SPOKEN[0]}; "
                + ("a FER needs a build against libfranka 0.9" if version <= FER_LAST else "update the robot's system")
            )
        self.arm = arm_of(version)
        realtime = library.RealtimeConfig
        try:
            self._robot = library.Robot(
                self.config.address, realtime.kIgnore if self.config.soft_realtime else realtime.kEnforce
            )
            self._model = self._robot.load_model()
            return self._prepare()
        except self._errors() as error:
            self.close()
            raise ArmRefusedError(f"{self.name}: {_line(error)}; see docs/commissioning.md") from None
        except ArmRefusedError:
            self.close()
            raise

    def take_control(self) -> Packet:
        """Start torque control."""
        try:
            self._robot.read_once()  # empties the queue of what came while nobody listened
            packet = self._take(self._robot.read_once())
            self._control = self._robot.start_torque_control()
            self._seen = False
            return packet
        except self._errors() as error:
            raise ArmRefusedError(f"{self.name}: {_line(error)}; see docs/commissioning.md") from None

    def _prepare(self) -> Packet:
        library, config = self._library, self.config
        state = self._robot.read_once()
        if state.current_errors or state.robot_mode != library.RobotMode.Idle:
            errors = str(state.current_errors) if state.current_errors else ""
            remedy = "recover it, or release the stop button and unlock it in Desk"
            raise ArmRefusedError(f"{self.name}: mode {state.robot_mode.name} {errors}; {remedy}")
        torque, force = [config.collision_torque] * JOINTS, [config.collision_force] * 6
        self._robot.set_collision_behavior(torque, torque, force, force)
        self._robot.set_load(config.load_mass, list(config.load_com), list(config.load_inertia))
        self._seen = self._gone = False
        packet = self._take(self._robot.read_once())
        refuse_unfit(self.name, self.arm, packet)
        return packet

    def read(self) -> Packet:
        """Block until the robot's next packet."""
        try:
            state, _ = self._control.readOnce()
        except self._errors() as error:
            raise self._lost_control(error) from None
        return self._take(state)

    def write(self, tau: Array) -> None:
        """Answer the packet."""
        try:
            self._control.writeOnce(self._library.Torques(tau.tolist()))
        except self._errors() as error:
            raise self._lost_control(error) from None

    def _lost_control(self, error: BaseException) -> ArmFaultError:
        self._control = None
        self._gone = isinstance(error, self._library.NetworkException)
        return ArmFaultError(f"{self.name}: {_line(error)}; find out why, then recover it")

    def peek(self) -> Packet:
        """A packet without control; the last one again, a period later, once the connection is lost."""
        if self._gone:
            time.sleep(PERIOD)
            return self._packet
        try:
            return self._take(self._robot.read_once())
        except self._errors():
            self._gone = True
            return self._packet

    def recover(self) -> Packet:
        """The robot's own error recovery, then control as after ``open``."""
        try:
            self._control = None
            self._robot.automatic_error_recovery()
            self._prepare()
            return self.take_control()
        except self._errors() as error:
            raise ArmRefusedError(f"{self.name}: not recovered, {_line(error)}; look at Desk") from None

    def close(self) -> None:
        """End the motion with no torque, and disconnect."""
        control, self._control = self._control, None
        robot, self._robot = self._robot, None
        if control is None:
            return
        try:
            last = self._library.Torques([0.0] * JOINTS)
            last.motion_finished = True
            control.readOnce()
            control.writeOnce(last)
        except self._errors():
            del control, robot

    def _take(self, state: Any) -> Packet:  # noqa: ANN401  (the library's RobotState)
        packet, stamp = self._packet, state.time.to_sec()
        packet.q[:], packet.dq[:] = state.q, state.dq
        packet.tau[:], packet.tau_external[:] = state.tau_J_d, state.tau_ext_hat_filtered
        packet.tau_measured[:] = state.tau_J
        packet.tau_measured -= self._model.gravity(state)
        packet.lost = max(0, round((stamp - packet.stamp) / PERIOD) - 1) if self._seen else 0
        packet.stamp, self._seen = stamp, True
        return packet

    def _errors(self) -> tuple[type[BaseException], ...]:
        """The library's exceptions: they have no common base, and not all are published."""
        return (self._library.FrankaException, RuntimeError)


def _line(error: BaseException) -> str:
    """An error of the library as part of one line."""
    return " ".join(str(error).replace("libfranka:", "").split()) or type(error).__name__
