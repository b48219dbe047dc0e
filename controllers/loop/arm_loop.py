"""One wake-up of the process that runs an arm: requests, a command, the ticks that are due, the shared state."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controllers.loop.exchange import Exchange
from controllers.loop.realtime import Ticker
from controllers.loop.snapshot import COMMAND, read_command, write_state
from controllers.numeric.histogram import Histogram
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Array, Command, RobotState

LOG = logging.getLogger("arm")
LOUD = 20
"""Rejected commands that are named; the others are only counted."""
PUBLISH_EVERY = 0.004
"""Period of the shared state [s]."""
PERCENTILES_EVERY = 0.5
"""Period at which the loop's percentiles are worked out [s]."""


class Plant(Protocol):
    """What the loop drives: the twin now, a driver later. ``advance`` is one control tick per period."""

    period: float

    def state(self) -> RobotState: ...
    def objects(self) -> Mapping[str, Array]: ...
    def send(self, command: Command) -> Command: ...
    def reset(self, seed: int) -> None: ...
    def stop(self) -> None: ...
    def advance(self, ticks: int) -> None: ...
    def now(self) -> float:
        """The plant's own time, which its states and commands are stamped with [s]."""
        ...


class ArmLoop:
    """One wake-up of the loop: requests, command, ticks, state."""

    def __init__(self, plant: Plant, exchange: Exchange, record: NDArray[np.void], hold_after: float) -> None:
        self.plant, self.exchange, self.hold_after = plant, exchange, hold_after
        self.paced = bool(getattr(plant, "paced", False))
        self.restart()
        self.record, self.command = record, np.zeros((), COMMAND)
        self._flat = record.reshape(1).view(np.float64)
        self._flat_command = self.command.reshape(1).view(np.float64)
        self._next_publish = self._next_percentiles = 0.0
        self._silent = False

    def restart(self) -> None:
        """Deadlines and statistics begin now."""
        self.ticker, self.compute = Ticker(self.plant.period), Histogram()

    def step(self) -> None:
        """Wait for the next deadline and do what is due; a plant whose packets are the clock waits in ``advance``."""
        ticks = 1 if self.paced else self.ticker.wait()
        started = time.monotonic_ns()
        now = started * 1e-9
        self._hold_if_needed(now)
        if not self._silent and self.exchange.take_command(self._flat_command):
            self._accept(now)
        self.plant.advance(ticks)
        self.record["ticks"] += ticks
        self.compute.add(time.monotonic_ns() - started)
        if now >= self._next_publish:
            self._next_publish = now + PUBLISH_EVERY
            self.publish(time.monotonic())
        seed = self.exchange.take_reset()
        if seed is not None and not self.exchange.halted:
            self._reset(seed)

    def _hold_if_needed(self, now: float) -> None:
        silent = self.exchange.halted or self.exchange.bridge_age(now) > self.hold_after
        if self.exchange.take_stop() or (silent and not self._silent):
            self.plant.stop()
        if silent:
            self.exchange.take_command(self._flat_command)
        self._silent = silent

    def _accept(self, now: float) -> None:
        try:
            command = read_command(self.command, shift=self.plant.now() - now)
        except CommandRejectedError as error:
            self.plant.stop()
            self._count_rejected(error)
            return
        try:
            self.plant.send(command)
        except CommandRejectedError as error:
            self._count_rejected(error)

    def _count_rejected(self, error: CommandRejectedError) -> None:
        self.record["rejected"] += 1
        if self.record["rejected"] <= LOUD:
            LOG.warning("%s", error)

    def _reset(self, seed: int) -> None:
        self.plant.reset(seed)
        self.record["resets"] += 1
        self.record["seed"] = seed
        self.publish(time.monotonic())
        self.exchange.confirm_reset()
        self.ticker.restart()

    def publish(self, now: float) -> None:
        """Share the state of this instant."""
        record = self.record
        write_state(record, self.plant.state(), self.plant.objects())
        record["stamp"] = now
        record["halted"], record["connected"] = self.exchange.halted, not self._silent
        record["missed"] = self.ticker.missed
        if now >= self._next_percentiles:
            self._next_percentiles = now + PERCENTILES_EVERY
            for name, histogram in (("lateness", self.ticker.lateness), ("compute", self.compute)):
                record[f"{name}_p50"], record[f"{name}_p99"] = histogram.percentile(0.5), histogram.percentile(0.99)
            record["lateness_max"] = self.ticker.lateness.largest
        self.exchange.publish(self._flat)
