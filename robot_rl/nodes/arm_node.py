"""The ROS side of the arm: shared memory in, standard topics out; commands and requests in. No control here.

A lifecycle node (``arm_life``) that starts itself. In: ``command`` (all of a ``Command`` and its lease, by name), and
for other people's tools ``target_pose`` (PoseStamped) to follow and ``move_to`` (PoseStamped) to go to, with
``move_to/feedback`` and the service ``move_to/cancel``; their frame is ``base`` or one of the station's. Services and
parameters: ``arm_services``. Out: ``telemetry``.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import numpy as np
import tyro
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from controllers.guard.desk import DeskClient
from controllers.guard.lifecycle import Phase, Reason
from controllers.loop.alarm import LoopAlarm
from controllers.loop.exchange import Exchange
from controllers.loop.realtime import try_fifo
from controllers.loop.snapshot import COMMAND, names, read_state, snapshot_dtype, write_command
from robot_rl.core.errors import CommandRejectedError, ConnectionLostError
from robot_rl.core.frames import FrameTree
from robot_rl.core.records import Array, Command, Source
from robot_rl.core.station import Station, load_station
from robot_rl.nodes import messages as ros
from robot_rl.nodes.arm_life import ArmLife
from robot_rl.nodes.arm_services import ArmServices
from robot_rl.nodes.move import Move
from robot_rl.nodes.process import StopFlag, run_process
from robot_rl.nodes.ros import RosProcess
from robot_rl.nodes.telemetry import Telemetry

LOG = logging.getLogger("arm_node")
REACH_TIME = 0.1
"""Time given to a ``target_pose`` [s]."""
VALID_FOR = 0.3
"""How long a ``target_pose`` stays valid [s]."""
MOVE_EVERY = 0.05
"""Period of a move's commands [s]."""
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
        self.telemetry = Telemetry(process.node, self.record)
        self.alarm = LoopAlarm(exchange, station.bridge_priority)
        self.frames = FrameTree(station.frames)
        self.life = ArmLife(process.node, exchange, DeskClient(graph), lambda: exchange.beat(time.monotonic()))
        self.services = ArmServices(process.node, exchange, self.life, self.resets)
        self.command = np.zeros((), COMMAND)
        self.poses = 0
        self.move: Move | None = None
        self.next_step = 0.0
        node = process.node
        node.create_subscription(JointState, "command", self.on_command, ros.RELIABLE)
        node.create_subscription(PoseStamped, "target_pose", self.on_target_pose, ros.RELIABLE)
        node.create_subscription(PoseStamped, "move_to", self.on_move_to, ros.RELIABLE)
        node.create_service(Trigger, "move_to/cancel", self.on_cancel)
        exchange.beat(time.monotonic())
        self.life.start()

    def resets(self) -> int:
        """How many resets there have been; the node's state follows the arm's."""
        self.exchange.read(self.telemetry.flat)
        self.life.follow(*self._phase())
        return int(self.record["resets"])

    def _phase(self) -> tuple[Phase, Reason]:
        return Phase(int(self.record["phase"])), Reason(int(self.record["reason"]))

    def on_command(self, message: JointState) -> None:
        """Pass a complete command on; the arm process judges its numbers."""
        if list(message.name) != COMMAND_NAMES or message.header.frame_id != ros.FRAME:
            LOG.warning("a command was ignored: it must have frame %r and the names %s", ros.FRAME, COMMAND_NAMES)
        elif self.life.active:
            self.move = None
            self.exchange.put_command(np.frombuffer(message.position))

    def _in_base(self, message: PoseStamped) -> Array | None:
        try:
            return self.frames.to_base(message.header.frame_id, ros.from_pose(message.pose))
        except CommandRejectedError as error:
            LOG.warning("a pose was ignored: %s", error)
            return None

    def on_target_pose(self, message: PoseStamped) -> None:
        """Pass a bare pose on, with the gripper as it is."""
        pose = self._in_base(message)
        if pose is None:
            return
        now, self.move = time.monotonic(), None
        command = Command(
            stamp=now,
            seq=self._number(),
            valid_until=now + VALID_FOR,
            duration=REACH_TIME,
            pose=pose,
            gripper=float(self.record["gripper"]),
            source=Source.HUMAN,
        )
        self._send(command)

    def _number(self) -> int:
        self.poses += 1
        return self.poses

    def _send(self, command: Command) -> None:
        if self.life.active:
            write_command(self.command, command, self.services.epoch)
            self.exchange.put_command(self.command.reshape(1).view(np.float64))

    def on_move_to(self, message: PoseStamped) -> None:
        """Go there, step by step; a newer pose takes the place of one that is not reached yet."""
        pose = self._in_base(message)
        if pose is not None and np.isfinite(pose).all() and self.life.active:
            self.move = Move(pose, time.monotonic())

    def on_cancel(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End a move: the arm holds."""
        response.success, response.message = self.move is not None, "" if self.move else "nothing moves"
        if self.move is not None:
            self.move.outcome = "cancelled"
            self.exchange.ask_stop()
            self.telemetry.publish_move(self.move)
            self.move = None
        return response

    def step_move(self) -> None:
        """Send the running move's next command, and say how far it is."""
        now = time.monotonic()
        if self.move is None or now < self.next_step:
            return
        self.next_step = now + MOVE_EVERY
        command = self.move.step(read_state(self.record), self._number(), now)
        if command is not None and self.life.active:
            self._send(command)
        elif command is not None:
            self.move.outcome = "the arm follows no commands"
        self.telemetry.publish_move(self.move)
        self.move = None if self.move.outcome else self.move

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
            self.step_move()
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
            self.telemetry.publish_events(*self._phase())
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
