"""Targets for other people's tools: ``target_pose`` to follow, ``move_to`` to go to, in any frame that is known.

``move_to`` exists as a topic with feedback and a cancel service, of standard types alone, and as an action
(``move_action``) where the type of the action is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.node import Node
from std_srvs.srv import Trigger

from controllers.guard.lifecycle import Ask
from controllers.loop.snapshot import read_state
from controllers.numeric.rotations import pose_multiply
from robot_rl.core.records import Array, Command, Source
from robot_rl.nodes import messages as ros
from robot_rl.nodes.frames import Frames
from robot_rl.nodes.move import AnyMove, Move

REACH_TIME = 0.1
"""Time given to a ``target_pose`` [s]."""
VALID_FOR = 0.3
"""How long a ``target_pose`` stays valid [s]."""
MOVE_EVERY = 0.05
"""Period of a move's commands [s]."""
CANCELLED = "cancelled"
Report = Callable[[AnyMove], None]


class Targets:
    """Makes commands of them.

    Args:
        node: Takes them.
        frames: Knows where their frames are.
        record: The newest state of the arm.
        send: Passes a command on; False when the arm follows none now.
        ask: Has something granted in the arm's next tick.
    """

    def __init__(
        self,
        node: Node,
        frames: Frames,
        record: NDArray[np.void],
        send: Callable[[Command], bool],
        ask: Callable[[Ask], None],
    ) -> None:
        self.frames, self.record, self.send, self.ask = frames, record, send, ask
        self.poses = 0
        self.move: AnyMove | None = None
        self.publish: Report = lambda _: None
        """What the moves that came by topic report to."""
        self._report = self.publish
        self._next = 0.0
        node.create_subscription(PoseStamped, "target_pose", self.on_target_pose, ros.RELIABLE)
        node.create_subscription(PoseStamped, "move_to", self.on_move_to, ros.RELIABLE)
        node.create_service(Trigger, "move_to/cancel", self.on_cancel)

    def on_target_pose(self, message: PoseStamped) -> None:
        """Pass a bare pose on, with the gripper as it is."""
        pose = ros.from_pose(message.pose)
        self.frames.resolve("target_pose", message.header, lambda frame: self._follow(pose_multiply(frame, pose)))

    def _follow(self, pose: Array) -> None:
        now = time.monotonic()
        self.end("a target_pose took its place")
        command = Command(
            stamp=now,
            seq=self._number(),
            valid_until=now + VALID_FOR,
            duration=REACH_TIME,
            pose=pose,
            gripper=float(self.record["gripper"]),
            source=Source.HUMAN,
        )
        self.send(command)

    def _number(self) -> int:
        self.poses += 1
        return self.poses

    def on_move_to(self, message: PoseStamped) -> None:
        """Go there, step by step; a newer pose takes the place of one that is not reached yet."""
        pose = ros.from_pose(message.pose)
        if np.isfinite(pose).all():
            self.frames.resolve(
                "move_to",
                message.header,
                lambda frame: self.start(Move(pose_multiply(frame, pose), time.monotonic()), self.publish),
            )

    def start(self, move: AnyMove, report: Report) -> None:
        """Begin ``move``; ``report`` is called after each of its steps, last with its outcome."""
        self.end("a newer move took its place")
        self.move, self._report = move, report

    def end(self, outcome: str) -> None:
        """End the running move, if there is one, because of ``outcome``."""
        if self.move is not None:
            move, self.move = self.move, None
            move.outcome = outcome
            self._report(move)

    def cancel(self) -> None:
        """End the running move where the arm is."""
        if self.move is not None:
            self.ask(self.move.cancel)
            self.end(CANCELLED)

    def on_cancel(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End a move: the arm holds; in a move of the joints, it damps."""
        response.success, response.message = self.move is not None, "" if self.move else "nothing moves"
        self.cancel()
        return response

    def step(self) -> None:
        """Look for frames that came; send the running move's next command, and say how far it is."""
        self.frames.poll()
        move, now = self.move, time.monotonic()
        if move is None or now < self._next:
            return
        self._next = now + MOVE_EVERY
        command = move.step(read_state(self.record), self._number(), now)
        if command is not None and not self.send(command):
            move.outcome = "the arm follows no commands"
        if move.outcome:
            self.end(move.outcome)
        else:
            self._report(move)
