"""What the buttons of a device mean, and how presses become events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from robot_rl.core.teleop import Event
from robot_rl.teleop.sample import Press

LONG = 0.7
"""A press that lasts longer means what ``hold`` says [s]."""


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """The buttons of one device, by their names."""

    press: Mapping[str, Event] = field(default_factory=dict)
    """What a press says: at once, or when it ends if a long one says something else."""
    hold: Mapping[str, Event] = field(default_factory=dict)
    """What a long press says when it ends."""
    grip: frozenset[str] = frozenset()
    """Each short press closes or opens the gripper."""
    close: frozenset[str] = frozenset()
    """Closes the gripper."""
    open: frozenset[str] = frozenset()
    """Opens it."""
    clutch: frozenset[str] = frozenset()
    """The device moves the arm only while one of these is held; none: always."""
    slow: frozenset[str] = frozenset()
    """Slower while one of these is held."""
    motion: Mapping[str, str] = field(default_factory=dict)
    """What moves the arm, in words: how -> where to."""

    def described(self) -> dict[str, str]:
        """Button -> what it does, for a person."""
        words = dict(self.motion) | {name: event.value.replace("_", " ") for name, event in self.press.items()}
        for text, names in (("close or open the gripper", self.grip), ("close the gripper", self.close)):
            words |= dict.fromkeys(sorted(names), text)
        for text, names in (("open the gripper", self.open), ("clutch", self.clutch), ("slow", self.slow)):
            words |= dict.fromkeys(sorted(names), text)
        held = {f"{name} (long)": event.value.replace("_", " ") for name, event in self.hold.items()}
        return words | held


def events_of(presses: Sequence[Press], bindings: Bindings) -> tuple[Event, ...]:
    """What ``presses`` say, in order."""
    found = []
    for press in presses:
        long = not press.down and press.held >= LONG and press.name in bindings.hold
        if long:
            found.append(bindings.hold[press.name])
        elif press.name in bindings.press and press.down != (press.name in bindings.hold):
            found.append(bindings.press[press.name])
    return tuple(found)


def grip_after(grip: float, presses: Sequence[Press], bindings: Bindings) -> float:
    """Where ``presses`` leave the gripper, from -1 (open) to 1 (closed), that was at ``grip``."""
    for press in presses:
        if press.name in bindings.grip and press.down != (press.name in bindings.hold) and press.held < LONG:
            grip = -1.0 if grip > 0.0 else 1.0
        elif press.down and press.name in bindings.close:
            grip = 1.0
        elif press.down and press.name in bindings.open:
            grip = -1.0
    return grip
