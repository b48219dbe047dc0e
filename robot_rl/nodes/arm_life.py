"""The arm's phases as the states of a ROS lifecycle node: what ROS asks for is asked of the arm, and followed back.

unconfigured: no commands pass; inactive: connected, the arm damps; active: it follows commands. When the arm leaves its
active life by itself (idle, a fault, the software stop), so does the node; ``reset`` of a twin makes both active again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, ManagedEntity, TransitionCallbackReturn

from controllers.guard.desk import DeskClient
from controllers.guard.lifecycle import Ask, Phase, Reason, alive
from controllers.loop.exchange import Exchange
from robot_rl.core.errors import ConnectionLostError

LOG = logging.getLogger("arm_node")
SETTLE = 0.05
"""Time after a transition in which the arm's newest state may still be from before it [s]."""
Answer = TransitionCallbackReturn


class ArmLife(ManagedEntity):
    """Asks the arm for what the transitions of ``node`` mean.

    Args:
        node: Whose states follow the arm.
        exchange: Of the arm.
        desk: Of the arm.
        beat: Gives the arm a sign of life while an answer is awaited.
    """

    def __init__(self, node: LifecycleNode, exchange: Exchange, desk: DeskClient, beat: Callable[[], None]) -> None:
        self.node, self.exchange, self.desk, self.beat = node, exchange, desk, beat
        self.configured = self.active = False
        self._settled_at = 0.0
        self._refused: tuple[Phase, Reason] | None = None
        node.add_managed_entity(self)

    def ask(self, do: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        """The arm's answer; one that does not come is a refusal."""
        try:
            return self.desk.ask(do, details, meanwhile=self.beat)
        except ConnectionLostError as error:
            return {"ok": False, "text": str(error)}

    def start(self, *, activate: bool) -> None:
        """Configure, and activate a twin, as launch files expect of a node that nobody manages; a robot waits for a
        person."""
        self.node.trigger_configure()
        if activate:
            self.node.trigger_activate()

    def follow(self, phase: Phase, reason: Reason) -> None:
        """Let the node's state follow the arm's; what was refused is not asked for again until something changes."""
        if not self.configured or time.monotonic() < self._settled_at:
            return
        if self.active and not alive(phase, reason):
            self.node.trigger_deactivate()
        elif not self.active and alive(phase, reason) and self._refused != (phase, reason):
            self.node.trigger_activate()
            self._refused = None if self.active else (phase, reason)

    def on_configure(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Become the one that sends the arm's commands."""
        if not self._granted("write"):
            return Answer.FAILURE
        self.configured = True
        return Answer.SUCCESS

    def on_activate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Start softly; a refusal says every reason."""
        if not self._granted("activate"):
            return Answer.FAILURE
        self.active, self._settled_at = True, time.monotonic() + SETTLE
        return Answer.SUCCESS

    def on_deactivate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Damp within a tick."""
        self.active, self._settled_at = False, time.monotonic() + SETTLE
        self.exchange.ask(Ask.DEACTIVATE)
        return Answer.SUCCESS

    def on_cleanup(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Pass no commands on."""
        self.active = self.configured = False
        return Answer.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Damp, and pass no commands on."""
        self.exchange.ask(Ask.DEACTIVATE)
        return self.on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Damp; the node is unconfigured then."""
        return self.on_shutdown(state)

    def _granted(self, do: str) -> bool:
        answer = self.ask(do)
        if not answer["ok"]:
            LOG.warning("%s was refused: %s", do, answer["text"])
        return bool(answer["ok"])
