"""The ROS side of the arm: shared memory in, standard topics out; commands, reset and stop in. No control here.

In: ``command`` (every field of a ``Command`` by name) and, for other people's tools, ``target_pose`` (PoseStamped, in
frame ``base``). Services: ``reset`` (its seed is the parameter ``seed``) and ``stop``. Out: see ``telemetry``.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np
import tyro
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import ParameterDescriptor
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from controllers.exchange import Exchange
from controllers.loop_alarm import LoopAlarm
from controllers.realtime import try_fifo
from controllers.snapshot import COMMAND, names, snapshot_dtype, write_command
from robot_rl.core.errors import ConnectionLostError
from robot_rl.core.records import Command, Source
from robot_rl.core.station import Station, load_station
from robot_rl.nodes import messages as ros
from robot_rl.nodes.process import StopFlag, run_process
from robot_rl.nodes.ros import RosProcess
from robot_rl.nodes.telemetry import Telemetry

LOG = logging.getLogger("arm_node")
REACH_TIME = 0.1
"""Time given to a ``target_pose`` [s]."""
VALID_FOR = 0.3
"""How long a ``target_pose`` stays valid [s]."""
SILENT = 0.25
"""A state older than this is not published [s]."""
DEAD = 0.5
"""A loop that stands still for this long halts the graph [s]; the alarm notices it within 5 ms."""
COMMAND_NAMES = names(COMMAND)


class ArmNode:
    """Converts; everything it knows is the newest snapshot."""

    def __init__(self, process: RosProcess, exchange: Exchange, station: Station) -> None:
        self.process, self.exchange, self.station = process, exchange, station
        info = exchange.info
        self.record = np.zeros((), snapshot_dtype(int(info["joints"]), tuple(info["objects"])))
        self.telemetry = Telemetry(process.node, self.record)
        self.alarm = LoopAlarm(exchange, station.bridge_priority)
        self.command = np.zeros((), COMMAND)
        self.poses = 0
        node = process.node
        node.declare_parameter("seed", 0, ParameterDescriptor(description="Scene that the service reset starts"))
        node.create_subscription(JointState, "command", self.on_command, ros.RELIABLE)
        node.create_subscription(PoseStamped, "target_pose", self.on_target_pose, ros.RELIABLE)
        node.create_service(Trigger, "reset", self.on_reset)
        node.create_service(Trigger, "stop", self.on_stop)

    def on_command(self, message: JointState) -> None:
        """Pass a complete command on; the arm process judges its numbers."""
        if list(message.name) != COMMAND_NAMES or message.header.frame_id != ros.FRAME:
            LOG.warning("a command was ignored: it must have frame %r and the names %s", ros.FRAME, COMMAND_NAMES)
            return
        self.exchange.put_command(np.frombuffer(message.position))

    def on_target_pose(self, message: PoseStamped) -> None:
        """Pass a bare pose on, with the gripper as it is."""
        if message.header.frame_id != ros.FRAME:
            LOG.warning("a target_pose in frame %r was ignored: give it in %r", message.header.frame_id, ros.FRAME)
            return
        now, self.poses = time.monotonic(), self.poses + 1
        command = Command(
            stamp=now,
            seq=self.poses,
            valid_until=now + VALID_FOR,
            duration=REACH_TIME,
            pose=ros.from_pose(message.pose),
            gripper=float(self.record["gripper"]),
            source=Source.HUMAN,
        )
        write_command(self.command, command)
        self.exchange.put_command(self.command.reshape(1).view(np.float64))

    def on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Reset to the parameter ``seed``; the answer's message is the number of resets so far."""
        ticket = self.exchange.ask_reset(int(self.process.node.get_parameter("seed").value))
        end = time.monotonic() + 10.0
        while not self.exchange.reset_done(ticket) and time.monotonic() < end and not self.exchange.halted:
            self.exchange.beat(time.monotonic())
            time.sleep(0.002)
        self.exchange.read(self.telemetry.flat)
        response.success = self.exchange.reset_done(ticket)
        response.message = str(int(self.record["resets"])) if response.success else self.why_not()
        return response

    def why_not(self) -> str:
        """Why a request was not granted."""
        return self.exchange.reason or "the arm process does not answer"

    def on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Hold now."""
        self.exchange.ask_stop()
        response.success = True
        return response

    def run(self, stop: StopFlag) -> None:
        """Publish at the station's rates and serve requests, until asked to stop."""
        period, count = 1 / self.station.state_rate, 0
        every = max(1, round(self.station.state_rate / self.station.telemetry_rate))
        deadline = time.monotonic()
        while not stop:
            self.exchange.beat(time.monotonic())
            if self.alarm.silent_for > DEAD:
                self.exchange.halt(f"the arm's loop stood still for {DEAD:g} s")
            self.publish(rest=count % every == 0, health=count % round(self.station.state_rate) == 0)
            count += 1
            deadline = max(deadline + period, time.monotonic())
            self.process.spin(deadline)

    def publish(self, *, rest: bool, health: bool) -> None:
        """The newest snapshot; only diagnostics once the arm process is silent."""
        self.exchange.read(self.telemetry.flat)
        age = time.monotonic() - float(self.record["stamp"])
        if age < SILENT:
            self.telemetry.publish_state()
            if rest:
                self.telemetry.publish_rest()
        if health:
            stalls = {"loop_stalls": str(self.alarm.stalls), "loop_longest_stall": f"{self.alarm.longest:.4f}"}
            self.telemetry.publish_diagnostics(age, self.exchange.reason, stalls)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Bridge between the arm process of a graph and ROS."""

    graph: str
    """Name of the graph."""
    station: str = "twin"
    """Station file, or the name of one that comes with the project."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


def main(config: Config) -> None:
    """Run until asked to stop."""
    stop, station = StopFlag(config.parent), load_station(config.station)
    exchange = attach_writer(config.graph, stop)
    if station.bridge_priority > 0 and not try_fifo(station.bridge_priority):
        LOG.warning("without real-time priority: on a busy machine the arm may hold now and then")
    with RosProcess("arm", parameters=True) as process:
        ArmNode(process, exchange, station).run(stop)


def attach_writer(graph: str, stop: StopFlag, timeout: float = 600.0) -> Exchange:
    """Wait for the arm process, which may have to compile first; a signal ends the wait."""
    end = time.monotonic() + timeout
    while True:
        try:
            return Exchange.attach(graph, timeout=0.5, writer=True)
        except ConnectionLostError:
            if stop:
                raise KeyboardInterrupt from None
            if time.monotonic() > end:
                raise


if __name__ == "__main__":
    run_process("arm_node", lambda: main(tyro.cli(Config)))
