"""The ROS side of the arm: shared memory in, standard topics out; commands and requests in. No control here.

A lifecycle node (``arm_life``) that starts itself. In: ``command`` (all of a ``Command`` and its lease, by name), and
for other people's tools ``target_pose`` and ``move_to`` (``targets``, ``move_action``); frames: ``frames``. Services
and parameters: ``arm_services``. Out: ``telemetry``.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np
import tyro
from sensor_msgs.msg import JointState

from controllers.guard.desk import DeskClient
from controllers.guard.lifecycle import Phase, Reason
from controllers.loop.alarm import LoopAlarm
from controllers.loop.exchange import Exchange
from controllers.loop.realtime import try_fifo
from controllers.loop.snapshot import COMMAND, names, snapshot_dtype, write_command
from controllers.numeric.rotations import pose_multiply, quat_rotate
from robot_rl.core.errors import ConnectionLostError
from robot_rl.core.records import Array, Command, StiffnessFrame
from robot_rl.core.station import Station, load_station
from robot_rl.nodes import messages as ros
from robot_rl.nodes.arm_life import ArmLife
from robot_rl.nodes.arm_services import ArmServices
from robot_rl.nodes.frames import Frames
from robot_rl.nodes.inner_state import InnerState
from robot_rl.nodes.move_action import MoveAction
from robot_rl.nodes.process import StopFlag, run_process
from robot_rl.nodes.ros import RosProcess
from robot_rl.nodes.targets import Targets
from robot_rl.nodes.telemetry import Telemetry

LOG = logging.getLogger("arm_node")
SILENT = 0.25
"""A state older than this is not published [s]."""
DEAD = 0.5
"""A loop that stands still for this long halts the graph [s]; the alarm notices it within 5 ms."""
COMMAND_NAMES = names(COMMAND)


class ArmNode:
    """Converts; everything it knows is the newest snapshot."""

    def __init__(self, process: RosProcess, exchange: Exchange, station: Station, graph: str) -> None:
        self.process, self.exchange, self.station = process, exchange, station
        info = exchange.info
        self.record = np.zeros((), snapshot_dtype(int(info["joints"]), tuple(info["objects"])))
        self.telemetry = Telemetry(process.node, self.record, str(info["arm"]))
        self.alarm = LoopAlarm(exchange, station.bridge_priority)
        self.life = ArmLife(process.node, exchange, DeskClient(graph), lambda: exchange.beat(time.monotonic()))
        self.services = ArmServices(process.node, exchange, self.life, self.resets)
        self.inner = InnerState(graph)
        self.command = np.zeros((), COMMAND)
        node = process.node
        self.frames = Frames(node, station)
        self.targets = Targets(node, self.frames, self.record, self.send, lambda bits: exchange.ask(int(bits)))
        self.targets.publish = self.telemetry.publish_move
        self.action = MoveAction(node, self.frames, self.targets, self.go, lambda: self._phase()[0])
        node.create_subscription(JointState, "command", self.on_command, ros.RELIABLE)
        exchange.beat(time.monotonic())
        self.life.start(activate=station.robot is None)

    def resets(self) -> int:
        """How many resets there have been; the node's state follows the arm's."""
        self.exchange.read(self.telemetry.flat)
        self.life.follow(*self._phase())
        return int(self.record["resets"])

    def _phase(self) -> tuple[Phase, Reason]:
        return Phase(int(self.record["phase"])), Reason(int(self.record["reason"]))

    def on_command(self, message: JointState) -> None:
        """Pass a complete command on, seen from base; the arm process judges its numbers."""
        if list(message.name) != COMMAND_NAMES or len(message.position) != len(COMMAND_NAMES):
            LOG.warning("a command was ignored: it must have the names %s", COMMAND_NAMES)
        elif self.life.active and message.header.frame_id == ros.FRAME:
            self._pass_on(np.frombuffer(message.position))
        elif self.life.active:
            values = np.array(message.position)
            self.frames.resolve("a command", message.header, lambda frame: self._pass_on(seen_from(frame, values)))

    def _pass_on(self, values: Array) -> None:
        self.targets.end("a command took its place")
        self.exchange.put_command(values)

    def send(self, command: Command) -> bool:
        """Pass a command of this node's own on, under the lease that its source took here."""
        if self.life.active:
            write_command(self.command, command, self.services.epochs.get(int(command.source), 0))
            self.exchange.put_command(self.command.reshape(1).view(np.float64))
        return self.life.active

    def go(self, joints: Array) -> dict[str, object]:
        """Ask the arm to go to joint positions (n,) [rad]."""
        return self.life.ask("home", {"q": joints.tolist()})

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
            self.targets.step()
            count += 1
            deadline = max(deadline + period, time.monotonic())
            self.process.spin(deadline)

    def publish(self, *, rest: bool, health: bool) -> None:
        """The newest snapshot; only diagnostics once the arm process is silent."""
        self.exchange.read(self.telemetry.flat)
        age = time.monotonic() - float(self.record["stamp"])
        if age < SILENT:
            self.life.follow(*self._phase())
            self.telemetry.publish_state()
            self.frames.publish_tool(self.record["ee_pose"], float(self.record["stamp"]))
            self.telemetry.publish_events(*self._phase())
            if rest:
                self.telemetry.publish_rest()
        if health:
            more = {"loop_stalls": str(self.alarm.stalls), "loop_longest_stall": f"{self.alarm.longest:.4f}"}
            more |= {"frames_refused": str(self.frames.refused), **self.inner.values()}
            self.telemetry.publish_diagnostics(age, self.exchange.reason, more)


def seen_from(frame: Array, values: Array) -> Array:
    """A whole command whose frame is at ``frame`` (7,), seen from base: its pose and its force are turned and moved.

    A stiffness along that frame's axes would need turning too; it becomes one that no arm takes, so it is refused.
    """
    out = np.array(values, dtype=float)
    record = out.view(COMMAND)[0]
    record["pose"] = pose_multiply(frame, record["pose"])
    for part in (record["feed_forward"][:3], record["feed_forward"][3:]):
        part[:] = quat_rotate(frame[3:], part)
    if record["stiffness_frame"] == StiffnessFrame.BASE and np.isfinite(record["stiffness"][2:]).any():
        record["stiffness_frame"] = np.nan
    return out


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
    with RosProcess("arm", parameters=True, lifecycle=True) as process:
        ArmNode(process, exchange, station, config.graph).run(stop)


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
