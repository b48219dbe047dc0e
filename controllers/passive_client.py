"""The arm without ROS: the same surface as the bridge's, over shared memory and the arm process's desk.

It stands where the twin, a driver or ``RosRobot`` would stand (``core.protocols.Robot``). One process at a time sends
the commands of an arm; any number may read and ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np

from controllers.guard.desk import DeskClient
from controllers.guard.lifecycle import Ask, Phase, Reason
from controllers.loop.exchange import Exchange
from controllers.loop.snapshot import COMMAND, read_objects, read_state, snapshot_dtype, write_command
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError, ConnectionLostError, StaleDataError
from robot_rl.core.records import Array, Command, RobotState, Source

MAX_AGE = 0.3
"""A state older than this is not used [s]."""
BEAT = 0.02
"""Period of the signs of life [s]."""
ANSWER = 15.0
"""How long a reset may take [s]."""


class PassiveClient:
    """An arm process of this machine.

    Args:
        name: Of the arm's exchange: the graph's name.
        commands: Whether to be the one that sends commands; else it only reads and asks.
        timeout: How long to wait for the arm [s].
    """

    def __init__(self, name: str, *, commands: bool = True, timeout: float = 30.0) -> None:
        self.name, self.commands, self.timeout = name, commands, timeout
        self.epoch = 0
        """The lease that commands are sent under; 0: none."""
        self._stop = threading.Event()

    def __enter__(self) -> PassiveClient:
        """Attach; ``ConnectionLostError`` when there is no arm, or another sends its commands."""
        self.exchange = Exchange.attach(self.name, self.timeout)
        self.desk = DeskClient(self.name, self.timeout)
        if self.commands:
            answer = self.desk.ask("write")
            if not answer["ok"]:
                self.desk.close()
                raise ConnectionLostError(answer["text"])
            self.exchange = Exchange.attach(self.name, self.timeout, writer=True)
            self.exchange.beat(time.monotonic())  # before the first command: the arm drops those of a silent sender
            self._beating = threading.Thread(target=self._beat, name="signs of life", daemon=True)
            self._beating.start()
        info = self.exchange.info
        self.record = np.zeros((), snapshot_dtype(int(info["joints"]), tuple(info["objects"])))
        self._flat = self.record.reshape(1).view(np.float64)
        self._command = np.zeros((), COMMAND)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hold, and let go of the arm."""
        if self.commands:
            self.stop()
            self._stop.set()
            self._beating.join()
        self.desk.close()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            self.exchange.beat(time.monotonic())

    def _read(self) -> np.ndarray:
        end = time.monotonic() + MAX_AGE
        while True:
            self.exchange.read(self._flat)
            age = time.monotonic() - float(self.record["stamp"])
            if age <= MAX_AGE:
                return self.record
            if time.monotonic() > end:
                raise StaleDataError(f"no state of the arm for {age:.2f} s: see what the arm process said last")
            time.sleep(0.002)

    def state(self) -> RobotState:
        """The newest measurement; ``StaleDataError`` when the arm is silent."""
        return read_state(self._read())

    def objects(self) -> Mapping[str, Array]:
        """Poses (7,) of the tracked objects."""
        return read_objects(self._read())

    def telemetry(self) -> dict[str, float]:
        """Every single number of the newest state: counters, phase, lateness of the loop, ledger."""
        record = self._read()
        return {name: float(record[name]) for name in record.dtype.names or () if record.dtype[name].shape == ()}

    @property
    def phase(self) -> Phase:
        """Where the arm is in its life."""
        return Phase(int(self._read()["phase"]))

    @property
    def reason(self) -> Reason:
        """Why it is there."""
        return Reason(int(self._read()["reason"]))

    def send(self, command: Command) -> Command:
        """Send; what is not finite is sent too, so that the arm counts it and holds, and then raised here."""
        self._refuse_without("to send commands")
        if self.exchange.halted:
            raise ConnectionLostError(f"the arm holds ({self.exchange.reason}): start its graph again")
        write_command(self._command, command, self.epoch)
        self.exchange.put_command(self._command.reshape(1).view(np.float64))
        if not (np.isfinite(command.pose).all() and np.isfinite(command.gripper)):
            raise CommandRejectedError("a command is not finite: the arm holds; correct its sender")
        return command

    def reset(self, seed: int) -> None:
        """Bring arm and scene to the start of ``seed``; returns when it is done."""
        self._refuse_without("to reset the arm")
        ticket, end = self.exchange.ask_reset(seed), time.monotonic() + ANSWER
        while not self.exchange.reset_done(ticket):
            if self.exchange.reset_refused(ticket):
                raise ActivationRefusedError(f"the arm was not reset: {self.ask('status')['text']}")
            if self.exchange.halted or time.monotonic() > end:
                raise ConnectionLostError("the arm was not reset: see what the arm process said last")
            time.sleep(0.002)

    def stop(self) -> None:
        """Hold where the arm is."""
        self.exchange.ask(Ask.HOLD)

    def soft_stop(self) -> None:
        """Come to rest within half a second and stay so until ``clear``; anyone may ask for it."""
        self.exchange.ask(Ask.STOP)

    def ask(self, do: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Anything that ``controllers.guard.requests`` knows; ``ActivationRefusedError`` says why it was refused."""
        answer = self.desk.ask(do, details)
        if not answer["ok"]:
            raise ActivationRefusedError(answer["text"])
        return answer

    def acquire(self, source: Source = Source.POLICY, ttl: float = 1.0) -> int:
        """Take the arm for ``source``; the lease lasts ``ttl`` [s] beyond each command, which carries the epoch."""
        self.epoch = int(self.ask("acquire", {"source": int(source), "ttl": ttl})["epoch"])
        return self.epoch

    def release(self) -> None:
        """Give the arm back."""
        epoch, self.epoch = self.epoch, 0
        self.ask("release", {"epoch": epoch})

    def _refuse_without(self, what: str) -> None:
        if not self.commands:
            raise ConnectionLostError(f"this client only reads: make it with commands=True {what}")
