"""Services and parameters of the arm, on standard types: std_srvs and rcl_interfaces.

Services ``reset stop soft_stop home clear_fault dump_blackbox`` (Trigger); ``acquire_lease`` and ``release_lease``
(SetParametersAtomically, a service with named values: one call each, so that two clients cannot mix theirs); ``lease``
(SetBool: take, give back) for the node's own topics.
Parameters: what the services need (``seed``, ``lease.*``), the controller's ``preset`` and its bounds ``limits.*``:
they can be tightened at any time, and loosened only while the arm is inactive; a refusal says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from controllers.guard.lifecycle import Ask
from controllers.loop.exchange import Exchange
from robot_rl.nodes.arm_life import ArmLife

RESET = 10.0
"""How long a reset may take [s]."""
LIMITS = {
    "force": ("wrench_max", 0, "Largest force of the controller's spring [N]"),
    "moment": ("wrench_max", 1, "Largest moment of the controller's spring [N m]"),
    "speed": ("v_max", 0, "Largest speed of the reference [m/s]"),
    "turn_rate": ("v_max", 1, "Largest angular speed of the reference [rad/s]"),
    "kinetic": ("kinetic_max", None, "Largest kinetic energy [J]"),
    "power": ("P_max", None, "Largest power that the tank gives [W]"),
}
"""Parameter below ``limits.``: field of the controller's settings, place in it, meaning."""


class ArmServices:
    """Serves them on ``node``.

    Args:
        node: Has no such services or parameters yet.
        exchange: Of the arm.
        life: Asks the arm.
        resets: The number of resets in the newest state.
    """

    def __init__(self, node: Node, exchange: Exchange, life: ArmLife, resets: Callable[[], int]) -> None:
        self.node, self.exchange, self.life, self.resets = node, exchange, life, resets
        self.epochs: dict[int, int] = {}
        """The leases that were taken here, by source."""
        self._declare()
        node.create_service(Trigger, "reset", self.on_reset)
        node.create_service(Trigger, "stop", lambda _, answer: self._bits(Ask.HOLD, answer))
        node.create_service(Trigger, "soft_stop", lambda _, answer: self._bits(Ask.STOP, answer))
        for name, request in (("home", "home"), ("clear_fault", "clear"), ("dump_blackbox", "dump_blackbox")):
            node.create_service(Trigger, name, lambda _, answer, do=request: self._asked(do, answer))
        node.create_service(SetBool, "lease", self.on_lease)
        for name, request in (("acquire_lease", "acquire"), ("release_lease", "release")):
            node.create_service(SetParametersAtomically, name, lambda q, a, do=request: self._named(do, q, a))

    def _declare(self) -> None:
        node, limits = self.node, self.life.ask("status").get("limits", {})
        node.declare_parameter("seed", 0, ParameterDescriptor(description="Scene that the service reset starts"))
        source = ParameterDescriptor(description="Who takes the lease: 1 a policy, 2 a person, 3 a reset")
        source.integer_range = [IntegerRange(from_value=1, to_value=3, step=1)]
        node.declare_parameter("lease.source", 2, source)
        ttl = ParameterDescriptor(description="How long a lease lasts beyond each command [s]")
        ttl.floating_point_range = [FloatingPointRange(from_value=0.01, to_value=60.0, step=0.0)]
        node.declare_parameter("lease.ttl", 1.0, ttl)
        node.declare_parameter("preset", "", ParameterDescriptor(description="Controller preset; empty: the station's"))
        for name, (field, place, meaning) in LIMITS.items():
            value = limits.get(field, 0.0)
            range_ = FloatingPointRange(from_value=0.0, to_value=1e4, step=0.0)
            about = ParameterDescriptor(description=meaning, floating_point_range=[range_])
            node.declare_parameter(f"limits.{name}", float(value if place is None else value[place]), about)
        node.add_on_set_parameters_callback(self._judge)

    def _judge(self, parameters: list[Parameter]) -> SetParametersResult:
        """Ask the arm for what is to change; its refusal is the answer."""
        for parameter in parameters:
            answer = self._change(parameter)
            if not answer["ok"]:
                return SetParametersResult(successful=False, reason=str(answer["text"])[:500])
        return SetParametersResult(successful=True)

    def _change(self, parameter: Parameter) -> dict[str, object]:
        name, value = parameter.name, parameter.value
        if name == "preset" and value:
            return self.life.ask("set_preset", {"name": value})
        if not name.startswith("limits."):
            return {"ok": True}
        field, place, _ = LIMITS[name.removeprefix("limits.")]
        if place is None:
            return self.life.ask("tighten", {"set": {field: value}})
        both = list(self.life.ask("status").get("limits", {field: [value, value]})[field])
        both[place] = value
        return self.life.ask("tighten", {"set": {field: both}})

    def on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Reset to the parameter ``seed``; the answer's message is the number of resets so far."""
        exchange = self.exchange
        ticket, end = exchange.ask_reset(int(self.node.get_parameter("seed").value)), time.monotonic() + RESET
        while not (exchange.reset_done(ticket) or exchange.reset_refused(ticket) or exchange.halted):
            if time.monotonic() > end:
                break
            exchange.beat(time.monotonic())
            time.sleep(0.002)
        response.success = exchange.reset_done(ticket)
        response.message = str(self.resets()) if response.success else self.why_not()
        return response

    def why_not(self) -> str:
        """Why a request was not granted."""
        return self.exchange.reason or str(self.life.ask("status")["text"])

    def on_lease(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Take the arm for ``lease.source``, or give it back; the answer's message is the epoch for commands."""
        source, ttl = (self.node.get_parameter(f"lease.{name}").value for name in ("source", "ttl"))
        epoch = self.epochs.pop(int(source), 0)
        if request.data:
            answer = self.life.ask("acquire", {"source": source, "ttl": ttl})
            epoch = int(answer.get("epoch", epoch))
            if epoch:
                self.epochs[int(source)] = epoch
        else:
            answer = self.life.ask("release", {"epoch": epoch})
        response.success, response.message = bool(answer["ok"]), str(answer["text"])
        return response

    def _named(
        self, do: str, request: SetParametersAtomically.Request, response: SetParametersAtomically.Response
    ) -> SetParametersAtomically.Response:
        """Ask the arm with the named values of ``request``; of a lease taken, the reason is the epoch for commands."""
        details = {p.name: Parameter.from_parameter_msg(p).value for p in request.parameters}
        answer = self.life.ask(do, details)
        response.result.successful, response.result.reason = bool(answer["ok"]), str(answer["text"])
        return response

    def _bits(self, bits: Ask, response: Trigger.Response) -> Trigger.Response:
        """For the next tick."""
        self.exchange.ask(int(bits))
        response.success = True
        return response

    def _asked(self, do: str, response: Trigger.Response) -> Trigger.Response:
        answer = self.life.ask(do)
        response.success, response.message = bool(answer["ok"]), str(answer["text"])
        return response
