"""Who has the arm: the policy, a person, or nobody. A pure state machine, whose clock is its caller's.

====== ========================= ==================================== =========================
stage  the arm                   entered                              left
====== ========================= ==================================== =========================
POLICY follows the policy        at the start; HAND_BACK; RESUME;     everything below
                                 a person who only moved the device
                                 and has let it rest
HUMAN  follows the person        TAKE_OVER; clear motion of the       HAND_BACK, PAUSE, rest,
                                 device for ``engage`` seconds        or a silent device
PAUSED holds                     PAUSE                                RESUME, TAKE_OVER,
                                                                      HAND_BACK
SAFETY holds                     the arm failed; a person's device    RESUME, TAKE_OVER,
                                 fell silent while she had the arm    HAND_BACK, once all is well
====== ========================= ==================================== =========================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from controllers.guard.arbitration import Hysteresis
from robot_rl.core.records import Source
from robot_rl.core.teleop import Event, Reading


class Stage(IntEnum):
    """Who has the arm."""

    POLICY = 0
    PAUSED = 1
    HUMAN = 2
    SAFETY = 3

    @property
    def source(self) -> Source:
        """The label of a step in this stage."""
        return (Source.POLICY, Source.PAUSE, Source.HUMAN, Source.SAFETY)[self]

    @property
    def holds(self) -> bool:
        """Whether the arm holds."""
        return self in (Stage.PAUSED, Stage.SAFETY)


@dataclass(frozen=True, kw_only=True)
class TakeoverConfig:
    """When a person has the arm."""

    by_motion: bool = True
    """Moving the device, or closing its clutch, takes over; else only the take-over button does."""
    threshold: float = 0.1
    """How clearly the device must be moved, in [0, 1]."""
    engage: float = 0.05
    """For how long before the person has the arm [s]."""
    release: float = 0.5
    """For how long it must rest before the policy has it again [s]."""
    silence: float = 0.5
    """A device without a sign of life for this long is lost [s]."""


class Takeover:
    """The state machine of one episode.

    Args:
        config: When a person has the arm.
        policy: Whether there is a policy; if not, the person has the arm from the start, and hands it to nobody.
    """

    def __init__(self, config: TakeoverConfig | None = None, *, policy: bool = True) -> None:
        self.config = config or TakeoverConfig()
        self.home = Stage.POLICY if policy else Stage.HUMAN
        """Who has the arm when nobody asks for it."""
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self.stage = self._paused_from = self.home
        self.count = 0
        """Interventions of this episode so far."""
        self._latched = self.home is Stage.HUMAN
        self._rest()

    @property
    def intervention(self) -> int:
        """Which intervention a step of now belongs to, counted from 1; 0: none."""
        return self.count if self.stage is Stage.HUMAN else 0

    def update(self, now: float, reading: Reading, *, arm_ok: bool = True) -> Stage:
        """Take in what the device says and whether the arm is well, at ``now`` [s]; who has the arm from now on."""
        alive = now - reading.stamp <= self.config.silence
        for event in reading.events:
            self._hear(event, alive and arm_ok, arm_ok)
        strength = reading.strength if alive and self.config.by_motion else 0.0
        if self.stage.holds:
            self._rest()
        else:
            self._move(self._hysteresis.update(strength, now), alive)
        if not arm_ok:
            self._enter(Stage.SAFETY)
        return self.stage

    def refuse(self) -> None:
        """The arm was not given to the person after all."""
        self._enter(self.home)
        self._rest()

    def _hear(self, event: Event, person_ok: bool, arm_ok: bool) -> None:
        home_ok = person_ok if self.home is Stage.HUMAN else arm_ok
        if event is Event.TAKE_OVER and person_ok:
            self._enter(Stage.HUMAN)
            self._latched = True
        elif event is Event.HAND_BACK and home_ok:
            self._enter(self.home)
            self._rest()
        elif event is Event.PAUSE and not self.stage.holds:
            self._paused_from = self.stage
            self.stage = Stage.PAUSED
        elif event is Event.RESUME and self.stage.holds and home_ok:
            again = self.stage is Stage.PAUSED and self._paused_from is Stage.HUMAN and person_ok
            self._enter(Stage.HUMAN if again else self.home)
            self._latched = self.stage is Stage.HUMAN

    def _move(self, engaged: bool, alive: bool) -> None:
        if self.stage is Stage.POLICY and engaged:
            self._enter(Stage.HUMAN)
        elif self.stage is Stage.HUMAN and not alive:
            self._enter(Stage.SAFETY)
        elif self.stage is Stage.HUMAN and not engaged and not self._latched:
            self._enter(Stage.POLICY)

    def _enter(self, stage: Stage) -> None:
        if stage is Stage.HUMAN and self.stage is not Stage.HUMAN:
            again = self.stage is Stage.PAUSED and self._paused_from is Stage.HUMAN
            self.count += self.home is Stage.POLICY and not again
        self._latched = (stage is Stage.HUMAN and self._latched) or stage is self.home is Stage.HUMAN
        self.stage = stage
        if stage.holds:
            self._rest()

    def _rest(self) -> None:
        """The device counts as at rest: motion must be clear anew."""
        config = self.config
        self._hysteresis = Hysteresis(config.threshold, config.engage, config.release)
