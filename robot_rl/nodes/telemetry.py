"""What the arm node publishes of every snapshot: one complete message for us, standard topics for everyone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from controllers.arms.joint_names import FINGERS, joint_names
from controllers.guard.lifecycle import REMEDIES, Phase, Reason
from controllers.loop.snapshot import ENERGY, GUARD, LATENESS, LOOP, names, objects_of
from robot_rl.core.records import Mode
from robot_rl.nodes import messages as ros
from robot_rl.nodes.activity import Activity
from robot_rl.nodes.move import AnyMove

STAMPED = {
    "current_pose": (PoseStamped, "ee_pose", ros.pose_stamped),
    "reference_pose": (PoseStamped, "reference", ros.pose_stamped),
    "current_twist": (TwistStamped, "ee_twist", ros.twist_stamped),
    "external_wrench": (WrenchStamped, "wrench", ros.wrench_stamped),
}
"""Topic -> type, field of the snapshot, conversion."""


class Telemetry:
    """Publishers of one arm.

    Args:
        node: Publishes.
        record: The newest snapshot.
        arm: Name of the arm's model, which its joints' names come from.
    """

    def __init__(self, node: Node, record: NDArray[np.void], arm: str) -> None:
        self.record = record
        self.flat = record.reshape(1).view(np.float64)
        self.names = names(record.dtype)
        self.fingers = [FINGERS[arm]] if arm in FINGERS else []
        self.joints = [*joint_names(arm), *self.fingers]
        self.state = node.create_publisher(JointState, "robot_state", ros.RELIABLE)
        self.joint_states = node.create_publisher(JointState, "joint_states", ros.RELIABLE)
        self.energy = node.create_publisher(JointState, "energy", ros.RELIABLE)
        self.stamped = {name: node.create_publisher(kind, name, ros.RELIABLE) for name, (kind, _, _) in STAMPED.items()}
        self.objects = {
            name: node.create_publisher(PoseStamped, f"objects/{name}", ros.RELIABLE)
            for name in objects_of(record.dtype)
        }
        self.diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", ros.RELIABLE)
        self.events = node.create_publisher(String, "events", ros.LATCHED)
        self.move = node.create_publisher(JointState, "move_to/feedback", ros.LATCHED)
        self.activity = Activity(record)
        self._last_event = ""

    def publish_events(self, phase: Phase, reason: Reason) -> None:
        """The phase of the arm, why, and what helps: once per change."""
        text = ": ".join(word for word in (phase.name, REMEDIES[reason]) if word)
        if text != self._last_event:
            self._last_event = text
            self.events.publish(String(data=text))

    def publish_move(self, move: AnyMove) -> None:
        """How far a move is; at its end its outcome, as the frame."""
        values = np.array([move.distance, move.angle])
        message = ros.named_values(["distance", "angle"], values, float(self.record["stamp"]))
        message.header.frame_id = move.outcome or "moving"
        self.move.publish(message)

    def publish_state(self) -> None:
        """The whole snapshot, and the joints."""
        self.activity.note()
        record, stamp = self.record, float(self.record["stamp"])
        self.state.publish(ros.named_values(self.names, self.flat, stamp))
        hand = [0.5 * record["gripper"]] * len(self.fingers)
        rest = np.zeros(len(hand))
        vectors = (np.append(record["q"], hand), np.append(record["dq"], rest), np.append(record["tau"], rest))
        self.joint_states.publish(ros.joint_state(self.joints, vectors, stamp))

    def publish_rest(self) -> None:
        """Poses, twist, wrench, energy and objects."""
        record, stamp = self.record, float(self.record["stamp"])
        for name, (_, field, convert) in STAMPED.items():
            self.stamped[name].publish(convert(record[field], stamp))
        energy = np.array([record[name] for name in ENERGY])
        self.energy.publish(ros.named_values(list(ENERGY), energy, stamp))
        for name, publisher in self.objects.items():
            publisher.publish(ros.pose_stamped(record[f"object.{name}"], stamp))

    def publish_diagnostics(self, age: float, reason: str, more: Mapping[str, str]) -> None:
        """Health of the loop: its lateness, its counters, and why it holds."""
        record = self.record
        values = {name: f"{float(record[name]):.6g}" for name in (*LOOP, *GUARD, *LATENESS)}
        values |= {"state_age": f"{age:.4f}", **more}
        level, text = DiagnosticStatus.OK, Mode(int(record["mode"])).name.lower()
        if reason:
            level, text = DiagnosticStatus.ERROR, f"halted: {reason}"
        elif age > 0.1:
            level, text = DiagnosticStatus.STALE, "the arm process is silent"
        elif not record["fifo"]:
            level, text = DiagnosticStatus.WARN, f"{text}, without real-time priority"
        loop = ros.status("arm loop", level, text, values)
        self.diagnostics.publish(ros.diagnostics([loop, self.activity.status()], float(record["stamp"])))
