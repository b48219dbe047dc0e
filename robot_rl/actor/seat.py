"""Where a person sits: her device, opened, and the page that shows her what goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from robot_rl.core.protocols import Task
from robot_rl.core.teleop import Operator
from robot_rl.teleop.devices import PAGE_DEVICES, choose
from robot_rl.teleop.page import OperatorPage
from robot_rl.teleop.sample import Device
from robot_rl.teleop.shaping import Shaping
from robot_rl.web.server import WebConfig


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What she has in her hands, and where her page is."""

    device: str
    """Name of the device."""
    host: str = ""
    """Where the page is served; empty: nowhere."""
    port: int = 0
    """Of the page; 0: a free one."""
    speed: float = 1.0
    """Share of the task's full speed at full deflection, in (0, 1]."""

    def page(self, shown: Mapping[str, Any]) -> OperatorPage | None:
        """The page, not yet served; ``shown``: what it says all the time."""
        if not self.host:
            return None
        name = self.device if self.device in PAGE_DEVICES else "browser"
        return OperatorPage(WebConfig(host=self.host, port=self.port), {**shown, "bindings": {}}, name)

    def operator(self, stack: ExitStack, task: Task, page: OperatorPage | None, leader: Device | None) -> Operator:
        """Her with the device in her hands; ``stack`` closes it."""
        chosen = choose(self.device, None if page is None else page.browser, leader)
        if page is not None:
            page.facts["bindings"] = chosen.bindings.described()
        stack.enter_context(chosen.device)
        sources = () if page is None else (page.browser,)
        return chosen.operator(task, Shaping(speed=self.speed, turn_speed=self.speed), sources)


def address(page: OperatorPage) -> str:
    """What she opens, with the certificate's fingerprint if there is one."""
    mark = page.server.fingerprint
    return f"{page.url} (certificate {mark})" if mark else page.url
