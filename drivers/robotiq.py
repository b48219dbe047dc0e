"""A Robotiq gripper at a UR's tool, through the text protocol that its URCap serves on port 63352 of the robot."""

from __future__ import annotations

import socket

from drivers.hand import HandSettings
from drivers.link import ArmFaultError, ArmRefusedError

PORT = 63352
TIMEOUT = 2.0
"""Longest wait for an answer [s]."""
ACTIVE = 3
"""What ``STA`` says of a gripper that is activated."""
CLOSED = 255
"""Its position, force and speed are numbers from 0 to this."""
FORCES, SPEEDS = (20.0, 235.0), (0.02, 0.15)
"""The forces [N] and speeds [m/s] that 0 and 255 stand for on a 2F-85, as its manual says."""


def step_of(value: float, span: tuple[float, float]) -> int:
    """The number from 0 to 255 that stands for ``value`` in ``span``; the nearest end for one outside."""
    share = (value - span[0]) / (span[1] - span[0])
    return round(CLOSED * min(max(share, 0.0), 1.0))


class Robotiq:
    """The wire to a gripper. Its commands return at once; the fingers move meanwhile."""

    def __init__(self, settings: HandSettings, port: int = PORT) -> None:
        self.settings, self.port, self.name = settings, port, f"gripper {settings.address}"
        self.widest = settings.widest
        self._line: socket.socket | None = None

    def open(self) -> float:
        """Connect and set force and speed, without any motion; the widest opening [m]."""
        try:
            self._line = socket.create_connection((self.settings.address, self.port), timeout=TIMEOUT)
        except OSError as error:
            reason = f"{self.name}: nobody answers on port {self.port} ({error})"
            raise ArmRefusedError(f"{reason}; install the gripper's URCap") from None
        try:
            if self._get("STA") != ACTIVE:
                self.close()
                raise ArmRefusedError(f"{self.name}: it is not activated; activate it on the pendant: it moves then")
            self._set("GTO", 1)
            self._set("SPE", step_of(self.settings.speed, SPEEDS))
            self._set("FOR", step_of(self.settings.force, FORCES))
        except ArmFaultError as error:
            self.close()
            raise ArmRefusedError(str(error)) from None
        return self.widest

    def opening(self) -> float:
        """Where the fingers are: the distance between them [m]."""
        return self.widest * (1.0 - self._get("POS") / CLOSED)

    def go(self, opening: float) -> None:
        """Open or close to ``opening`` [m], or until the fingers hold something."""
        self._set("POS", step_of(self.widest - opening, (0.0, self.widest)))

    def close(self) -> None:
        """Disconnect; the fingers hold what they hold."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _get(self, name: str) -> int:
        answer = self._ask(f"GET {name}").split()
        if len(answer) != 2 or answer[0] != name or not answer[1].isdigit():
            said = " ".join(answer)[:40]
            raise ArmFaultError(f"{self.name}: it says {said!r} when asked for {name}; restart its URCap")
        return int(answer[1])

    def _set(self, name: str, value: int) -> None:
        answer = self._ask(f"SET {name} {value}")
        if answer != "ack":
            raise ArmFaultError(f"{self.name}: it says {answer[:40]!r} to SET {name} {value}; look at the gripper")

    def _ask(self, text: str) -> str:
        if self._line is None:
            raise ArmFaultError(f"{self.name}: it is not connected; open it first")
        try:
            self._line.sendall(f"{text}\n".encode())
            data = self._line.recv(1024)
        except OSError as error:
            raise ArmFaultError(f"{self.name}: it does not answer ({error}); check the robot") from None
        if not data:
            raise ArmFaultError(f"{self.name}: it hung up; check the robot")
        return data.decode(errors="replace").strip()
