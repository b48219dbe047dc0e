"""The devices by name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from robot_rl.core.errors import ConfigError, ConnectionLostError, MissingDependencyError
from robot_rl.core.names import check_name
from robot_rl.core.protocols import Task
from robot_rl.teleop import browser, evdev_reader, keys, pad, spacemouse, terminal
from robot_rl.teleop.bindings import Bindings
from robot_rl.teleop.browser import Browser
from robot_rl.teleop.operator import DeviceOperator, EventSource
from robot_rl.teleop.sample import Device
from robot_rl.teleop.shaping import Shaping

DEVICES = ("expert", "spacemouse", "gamepad", "keyboard", "browser", "webxr", "leader")
PAGE_DEVICES = ("browser", "webxr")
"""Those that a person opens the operator's page for."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A device, not yet opened, and what its buttons mean."""

    device: Device
    bindings: Bindings

    def operator(self, task: Task, shaping: Shaping, sources: Sequence[EventSource]) -> DeviceOperator:
        """It in a person's hands; ``sources``: what else she can say something with."""
        return DeviceOperator(self.device, task, self.bindings, shaping, sources)


def choose(name: str, page: Browser | None = None, leader: Device | None = None) -> Chosen:
    """The device of that name; ``page``: the operator's page; ``leader``: a leader arm, where there is a graph."""
    check_name("device", name, DEVICES)
    if name in PAGE_DEVICES:
        if page is None:
            raise ConfigError(f"the device {name} is a page in a browser: give it a --host, such as 127.0.0.1")
        return Chosen(device=page, bindings=browser.BINDINGS)
    if name == "leader":
        if leader is None:
            raise ConfigError("a leader arm speaks ROS 2: add --ros, and start its driver")
        return Chosen(device=leader, bindings=Bindings())
    if name == "spacemouse":
        return Chosen(device=spacemouse.spacemouse(), bindings=spacemouse.BINDINGS)
    if name == "gamepad":
        return Chosen(device=evdev_reader.gamepad(), bindings=pad.BINDINGS)
    if name == "keyboard":
        return Chosen(device=_keyboard(), bindings=keys.BINDINGS)
    raise ConfigError("the expert is a script, no device: leave --device out")


def _keyboard() -> Device:
    """The kernel's, whose keys say when they come up; else the terminal's."""
    try:
        with evdev_reader.keyboard():
            pass
    except (ConnectionLostError, MissingDependencyError):
        if not sys.stdin.isatty():
            raise
        return terminal.terminal()
    return evdev_reader.keyboard()
