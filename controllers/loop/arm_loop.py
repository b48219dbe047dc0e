"""The loop of an arm whose driver is Python: its packets are the clock, every round is one packet and one answer.

What happens within a round is the compiled ``cycle`` of every other arm: commands, guard, black box, shared state. The
driver's library may hold the interpreter while it waits for a packet, so the thread that serves requests gets it after
each answer, when nobody waits for this one.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from controllers.guard.lifecycle import Phase, alive
from controllers.loop.cycle import cycle
from controllers.loop.exchange import Exchange
from controllers.loop.plant import PortPlant
from controllers.loop.realtime_loop import LoopSettings, RealtimeLoop
from controllers.loop.words import Word, write_word
from controllers.numeric.histogram import count
from robot_rl.core.errors import ActivationRefusedError, RobotRLError

LOG = logging.getLogger("arm")
BREATH = 1e-4
"""Time after each answer in which others may have the interpreter [s]."""
ON_THE_WAY = (Phase.HOMING, Phase.SOFT_START)


class PacketPlant(PortPlant, Protocol):
    """An arm that hands over a packet and takes the answer to it."""

    controlled: bool
    fault: str

    def take_control(self) -> None:
        """From now on every packet wants an answer."""
        ...

    def listen(self) -> int:
        """Wait for a packet; the number of packets lost before it."""
        ...

    def answer(self) -> None:
        """Send the torque that the tick chose."""
        ...

    def recover(self) -> None:
        """Clear the robot's own fault, if it has one, and control it again."""
        ...

    def leave(self) -> None:
        """Come to rest and give the control back."""
        ...


class ArmLoop(RealtimeLoop):
    """Runs ``plant`` at its own pace. A reset sends it home under guard; one that is not active refuses it."""

    plant: PacketPlant

    def __init__(self, plant: PacketPlant, exchange: Exchange, settings: LoopSettings) -> None:
        super().__init__(plant, exchange, settings)
        self._before, self._leaving = 0, False
        self._seed: int | None = None
        self._refusal: RobotRLError | None = None

    def start(self) -> None:
        """Compile, take control, begin; raises what the driver refused with."""
        super().start()
        if self._refusal is not None:
            raise self._refusal

    @property
    def trouble(self) -> str:
        """Why the robot is not controlled; empty while it is."""
        return self.plant.fault

    def mend(self) -> None:
        """Clear the robot's own fault and control it again."""
        self.plant.recover()

    def _turn(self) -> None:
        """Packet after packet, until parked; the last thing that a closing loop does is to bring the arm to rest."""
        park, plant, rig = self._signals.park, self.plant, self.rig
        try:
            if not plant.controlled and not plant.fault:
                plant.take_control()
        except RobotRLError as error:
            self._refusal = error
            write_word(rig.words, Word.ARM_BEAT, 1)
            return
        while park[0] == 0:
            self._round()
        if self._leaving:
            plant.leave()
        write_word(rig.words, Word.ARM_BEAT, 0)

    def _round(self) -> None:
        plant, rig = self.plant, self.rig
        lost = plant.listen()
        if lost:
            rig.loop["ticks"] += lost
            rig.loop["missed"] += lost
        self._note_lateness(lost)
        cycle(rig, 1)
        plant.answer()
        time.sleep(BREATH)

    def _note_lateness(self, lost: int) -> None:
        """How much later than a period after the last one the packet came [ns]."""
        now, loop = time.monotonic_ns(), self.rig.loop
        if self._before:
            late = max(0, now - self._before - (1 + lost) * int(loop["period"]))
            count(self.rig.lateness, late)
            loop["lateness_max"] = max(int(loop["lateness_max"]), late)
        self._before = now

    def park(self) -> None:
        """Between two packets: what happens now must be short, for the robot waits."""
        super().park()
        self._before = 0

    def close(self) -> None:
        """Bring the arm to rest and end the loop."""
        self._leaving = True
        super().close()

    def serve(self) -> None:
        """Resets that were asked for, and a line for what was refused."""
        seed = self.exchange.take_reset()
        try:
            if seed is not None and not self.exchange.halted:
                self._go_home(seed)
            self._judge_reset()
        except RobotRLError as error:
            self._seed = None
            self.exchange.refuse_reset()
            LOG.warning("no reset: %s", error)
        self._log_rejected()

    def _go_home(self, seed: int) -> None:
        guard = self.supervisor
        guard.check_reset()
        if not alive(guard.phase, guard.reason):
            raise ActivationRefusedError(f"the arm moves only once it is activated, it is {guard.explain()}")
        self.go_home()
        self._seed = seed

    def _judge_reset(self) -> None:
        """Confirm a reset whose way home has come to its end; raise for one whose has not."""
        guard = self.supervisor
        if self._seed is None or guard.phase in ON_THE_WAY:
            return
        if guard.phase is not Phase.ACTIVE:
            raise ActivationRefusedError(f"the way home was ended: {self.plant.fault or guard.explain()}")
        loop = self.rig.loop
        loop["resets"] += 1
        loop["seed"], self._seed = self._seed, None
        time.sleep(2 * self.settings.publish_every)  # until the shared state says so, too
        self.exchange.confirm_reset()
