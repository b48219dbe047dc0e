"""The action ``move_to``: a pose in any frame, or joint positions; feedback while it moves, a reason at its end.

Its type comes from ``make ros-messages`` (``ros/robot_rl_msgs``), or from a workspace with that package; without it
the topic ``move_to`` does the same for poses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import GoalEvent, ServerGoalHandle
from rclpy.node import Node

from controllers.guard.lifecycle import Phase
from controllers.numeric.rotations import pose_multiply
from robot_rl.core.records import Array
from robot_rl.nodes import messages as ros
from robot_rl.nodes.frames import Frames, interface
from robot_rl.nodes.move import REACHED, AnyMove, JointMove, Move
from robot_rl.nodes.targets import CANCELLED, Targets

Go = Callable[[Array], dict[str, Any]]


class MoveAction:
    """Serves it on ``node``, where its type is there.

    Args:
        node: Takes the goals.
        frames: Knows where their frames are.
        targets: Makes the moves.
        go: Asks the arm to go to joint positions (n,) [rad]; the answer says ``ok`` and ``text``.
        phase: Where the arm is in its life.
    """

    def __init__(self, node: Node, frames: Frames, targets: Targets, go: Go, phase: Callable[[], Phase]) -> None:
        self.frames, self.targets, self.go, self.phase = frames, targets, go, phase
        self.types: Any = interface("robot_rl_msgs.action")
        if self.types is None:
            return
        self.server = ActionServer(
            node,
            self.types.MoveTo,
            "move_to",
            execute_callback=lambda handle: self.types.MoveTo.Result(),  # noqa: ARG005  (``_finish`` gives each its own)
            handle_accepted_callback=self._accepted,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def _accepted(self, handle: ServerGoalHandle) -> None:
        """Begin; the goal counts as executing from here on, though no callback of ours occupies the executor."""
        handle._update_state(GoalEvent.EXECUTE)
        goal = handle.request
        if len(goal.joints):
            self._to_joints(handle, np.array(goal.joints))
            return
        pose = ros.from_pose(goal.pose.pose)
        if not np.isfinite(pose).all():
            self._finish(handle, "the pose is not finite")
            return
        self.frames.resolve(
            "a goal",
            goal.pose.header,
            lambda frame: self._start(handle, Move(pose_multiply(frame, pose), time.monotonic())),
            lambda reason: self._finish(handle, reason),
        )

    def _to_joints(self, handle: ServerGoalHandle, joints: Array) -> None:
        answer = self.go(joints)
        if answer["ok"]:
            self._start(handle, JointMove(joints, time.monotonic(), self.phase))
        else:
            self._finish(handle, str(answer["text"]))

    def _start(self, handle: ServerGoalHandle, move: AnyMove) -> None:
        self.targets.start(move, lambda moved: self._report(handle, moved))

    def _report(self, handle: ServerGoalHandle, move: AnyMove) -> None:
        """After each step: tell how far it is, end it when it is over or was cancelled."""
        if move.outcome:
            self._finish(handle, move.outcome)
        elif handle.is_cancel_requested:
            self.targets.cancel()
        else:
            handle.publish_feedback(self.types.MoveTo.Feedback(distance=float(move.distance), angle=float(move.angle)))

    def _finish(self, handle: ServerGoalHandle, outcome: str) -> None:
        def end(handle: ServerGoalHandle) -> object:
            if outcome == REACHED:
                handle.succeed()
            elif outcome == CANCELLED and handle.is_cancel_requested:
                handle.canceled()
            else:
                handle.abort()
            return self.types.MoveTo.Result(reached=outcome == REACHED, reason=outcome)

        self.server.notify_execute(handle, end)
