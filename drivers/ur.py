"""Universal Robots e-Series arms through ``ur_rtde``: by torque where the controller allows it, else by velocity.

Torque needs PolyScope 5.26, which is what the library's own script asks for. Below that the arm is led by velocity: the
torque of the controller moves a virtual arm, and the robot follows it. That has another guarantee, and says so.
Why this library: it is the one with a wheel that reaches ``direct_torque``, and it can be tested against a server that
speaks RTDE. The script that it uploads passes no friction compensation on, whatever it is asked for (1.6.5).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.ur5e import ur5e
from drivers.link import ArmFaultError, ArmRefusedError, Packet, empty_packet, refuse_unfit, vendor
from drivers.virtual_arm import VirtualArm
from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.records import Array

PERIOD = 0.002
JOINTS = 6
TORQUE_SINCE = (5, 26)
"""First PolyScope version whose torques the library's script uses."""
WATCHDOG = 25.0
"""The robot stops itself when commands come less often than this [Hz]."""
VARIABLES = ["timestamp", "actual_q", "actual_qd", "actual_TCP_force", "safety_status_bits"]
"""All that is asked of the robot, every period."""
MODULES = ("rtde_control", "rtde_receive", "dashboard_client")
TORQUE_GUARANTEE = (
    "passive at the joint port as far as the robot applies what was last sent: RTDE does not report the applied torque "
    "apart from gravity and friction; the robot's own compensation is outside the ledger"
)
VELOCITY_GUARANTEE = (
    "the commanded motion is that of a passive virtual arm; the robot follows it stiffly, so the energy that it gives "
    "to what it touches is NOT bounded by the tank: only its own safety limits bound the force"
)
Library = Mapping[str, ModuleType]


@dataclass(frozen=True, kw_only=True)
class UrConfig:
    """What the robot is told before it is controlled."""

    address: str
    """Of the control box."""
    mode: str = "auto"
    """``torque``, ``velocity``, or ``auto``: torque where the controller allows it."""
    virtual_damping: float = 1.0
    """Viscous friction of the virtual arm, by velocity only [N m s/rad]."""
    acceleration: float = 8.0
    """Largest joint acceleration, by velocity only [rad/s^2]."""
    follow: float = 5.0
    """How fast the robot makes up for its distance to the virtual arm, by velocity only [1/s]."""
    strayed: float = 0.1
    """Distance between robot and virtual arm at which the control ends, by velocity only [rad]."""

    patience: float = 0.1
    """Without a packet for this long the connection counts as lost [s]."""

    def __post_init__(self) -> None:
        check_name("UR mode", self.mode, ("auto", "torque", "velocity"))
        for name in ("acceleration", "follow", "strayed", "patience"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name} must be positive")


def polyscope(text: str) -> tuple[int, int]:
    """Major and minor version in the dashboard's answer; ``ArmRefusedError`` when there is none."""
    found = re.search(r"(\d+)\.(\d+)", text)
    if not found:
        raise ArmRefusedError(f"the dashboard names no PolyScope version ({text.strip()[:40]!r}); is it a UR robot?")
    return int(found[1]), int(found[2])


def torque_allowed(config: UrConfig, version: tuple[int, int]) -> bool:
    """Whether to send torques; ``ArmRefusedError`` when they were asked for and the controller has none."""
    able = version >= TORQUE_SINCE
    if config.mode == "torque" and not able:
        have, need = ".".join(map(str, version)), ".".join(map(str, TORQUE_SINCE))
        raise ArmRefusedError(f"{config.address}: PolyScope {have} takes no torques; update to {need}, or use velocity")
    return able and config.mode != "velocity"


class UrLink:
    """The wire to a UR robot.

    Args:
        config: What the robot is told.
        library: Stands in for the modules of ``ur_rtde``.
        arm: The model; with its tool.
    """

    period = PERIOD

    def __init__(self, config: UrConfig, library: Library | None = None, arm: ArmModel | None = None) -> None:
        self.config, self.name = config, f"ur {config.address}"
        self.arm = arm or ur5e()
        self.torque = config.mode != "velocity"
        self._library, self._control, self._receive = library, None, None
        self._packet, self._sent = empty_packet(JOINTS), np.zeros(JOINTS)
        self._virtual = VirtualArm(self.arm, config.virtual_damping)
        self._stamp = 0.0

    @property
    def guarantee(self) -> str:
        """What the energy ledger is worth, by the way the robot is led."""
        return TORQUE_GUARANTEE if self.torque else VELOCITY_GUARANTEE

    def open(self) -> Packet:
        """Ask the version, connect, check, take control."""
        library = self._library or {name: vendor(name, "ur_rtde") for name in MODULES}
        try:
            dashboard = library["dashboard_client"].DashboardClient(self.config.address)
            dashboard.connect()
            version = polyscope(dashboard.polyscopeVersion())
            dashboard.disconnect()
            self.torque = torque_allowed(self.config, version)
            self._receive = library["rtde_receive"].RTDEReceiveInterface(self.config.address, variables=VARIABLES)
            self._refuse_stopped()
            self._stamp = 0.0
            packet = self._take()
            refuse_unfit(self.name, self.arm, packet)
            self._control = library["rtde_control"].RTDEControlInterface(self.config.address)
        except RuntimeError as error:
            self.close()
            reason = " ".join(str(error).split())
            raise ArmRefusedError(f"{self.name}: {reason}; power it on and set it to remote control") from None
        except (ArmRefusedError, ArmFaultError) as error:
            self.close()
            raise ArmRefusedError(str(error)) from None
        return packet

    def _refuse_stopped(self) -> None:
        if self._of(self._receive).isProtectiveStopped() or self._of(self._receive).isEmergencyStopped():
            raise ArmRefusedError(f"{self.name}: it is stopped; unlock it on the pendant, then start again")

    def take_control(self) -> Packet:
        """From now on the robot's watchdog wants commands."""
        self._of(self._control).setWatchdog(WATCHDOG)
        self._sent[:] = 0.0
        self._stamp = 0.0
        packet = self._take()
        refuse_unfit(self.name, self.arm, packet)
        self._virtual.start(packet.q)
        return packet

    def read(self) -> Packet:
        """Block until the robot's next packet."""
        packet, receive = self._take(), self._of(self._receive)
        if receive.isProtectiveStopped() or receive.isEmergencyStopped():
            raise ArmFaultError(f"{self.name}: it stopped itself; find out why, unlock it, then recover it")
        if not self.torque:
            far = float(np.abs(packet.q - self._virtual.q).max())
            if far > self.config.strayed:
                self._of(self._control).speedStop()
                raise ArmFaultError(f"{self.name}: it is {far:.2f} rad from where it was led; free it, then recover it")
            packet.q[:], packet.dq[:] = self._virtual.q, self._virtual.dq
        return packet

    def write(self, tau: Array) -> None:
        """Answer the packet, with the torque or with the velocity of the virtual arm under it."""
        self._sent[:] = tau
        if self.torque:
            done = self._of(self._control).directTorque(tau.tolist())
        else:
            lag = self._virtual.q - np.array(self._of(self._receive).getActualQ())
            self._virtual.step(tau + self._packet.tau_external, PERIOD)
            speed = np.clip(self._virtual.dq + self.config.follow * lag, -self.arm.dq_max, self.arm.dq_max)
            done = self._of(self._control).speedJ(speed.tolist(), self.config.acceleration)
        if not done:
            raise ArmFaultError(f"{self.name}: it takes no commands; look at the pendant, then recover it")

    def peek(self) -> Packet:
        """A packet without control; the last one again, a period later, when there is none."""
        time.sleep(PERIOD)
        self._sent[:] = 0.0
        return self._take() if self._receive is not None and self._fresh() else self._packet

    def _fresh(self) -> bool:
        return bool(self._of(self._receive).getTimestamp() > self._stamp)

    def recover(self) -> Packet:
        """Start the robot's program again, after a person has unlocked the robot on the pendant."""
        self._refuse_stopped()
        if not self._of(self._control).reuploadScript():
            raise ArmRefusedError(f"{self.name}: its program does not start; look at the pendant")
        return self.take_control()

    def close(self) -> None:
        """Stop the robot's program, and disconnect."""
        control, self._control = self._control, None
        receive, self._receive = self._receive, None
        if control is not None:
            if not self.torque:
                control.speedStop()
            control.stopScript()
            control.disconnect()
        if receive is not None:
            receive.disconnect()

    def _take(self) -> Packet:
        receive, packet = self._of(self._receive), self._packet
        stamp, limit = receive.getTimestamp(), time.monotonic() + self.config.patience
        while stamp <= self._stamp:
            if time.monotonic() > limit:
                raise ArmFaultError(
                    f"{self.name}: no packet for {self.config.patience:g} s; check the cable, then recover it"
                )
            time.sleep(1e-4)
            stamp = receive.getTimestamp()
        packet.lost = max(0, round((stamp - self._stamp) / PERIOD) - 1) if self._stamp else 0
        packet.stamp = self._stamp = stamp
        packet.q[:], packet.dq[:] = receive.getActualQ(), receive.getActualQd()
        packet.tau_external[:] = self.arm.jacobian(packet.q).T @ np.array(receive.getActualTCPForce())
        packet.tau[:] = self._sent
        return packet

    def _of(self, part: Any) -> Any:  # noqa: ANN401  (an interface of the library)
        if part is None:
            raise ArmFaultError(f"{self.name}: it is not connected; open it first")
        return part
