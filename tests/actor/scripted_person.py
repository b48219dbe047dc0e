"""A person whose every word is written down beforehand: what she does at which control step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from robot_rl.core.teleop import Event, Reading


@dataclass
class Moment:
    """One look at her device."""

    strength: float = 0.0
    events: tuple[Event, ...] = ()
    silent: bool = False


@dataclass
class ScriptedPerson:
    """Goes through ``moments``, one per reading; at rest after the last one."""

    clock: object
    size: int
    moments: list = field(default_factory=list)
    name: str = "script"
    seen: int = 0
    engaged: list = field(default_factory=list)
    last_life: float = 0.0
    again: bool = False

    def reset(self, seed):
        self.seen, self.last_life = 0, self.clock()
        self.rng = np.random.default_rng([seed, 5])

    def engage(self, state, action):
        self.engaged.append((state.stamp, np.array(action)))
        self.again = True

    def act(self, state, objects):
        return self.read(state, objects).action

    def read(self, state, objects):
        moment = self.moments[self.seen] if self.seen < len(self.moments) else Moment()
        if self.again and self.seen:
            moment = Moment(strength=self.moments[self.seen - 1].strength)  # the same step: she says nothing twice
        else:
            self.seen += 1
        self.again = False
        if not moment.silent:
            self.last_life = self.clock()
        self.action = self.rng.uniform(-1, 1, self.size)
        return Reading(stamp=self.last_life, action=self.action, strength=moment.strength, events=moment.events)


class Seen:
    """Keeps what was shown."""

    def __init__(self):
        self.states, self.images = [], []

    def show(self, state):
        self.states.append(dict(state))

    def image(self, name, rgb):
        self.images.append((name, rgb.shape))
