"""A leader arm on the graph: its joint states, from whatever driver it has, are a person's hand."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from sensor_msgs.msg import JointState

from controllers.arms.arm_model import ArmModel
from controllers.arms.joint_names import joint_names
from controllers.arms.panda import panda
from robot_rl.core.errors import ConnectionLostError
from robot_rl.nodes import messages as ros
from robot_rl.nodes.ros import RosProcess
from robot_rl.teleop.leader import Leader, LeaderJoints
from robot_rl.teleop.sample import Inbox, Sample

TOPIC = "leader/joint_states"
JOINTS = joint_names("panda")
"""A leader's joints, in the order of the Panda's; other makers have other names."""
PATIENCE = 5.0
"""How long the leader may take to appear [s]."""


class LeaderDevice:
    """A ``Device``: a node of its own, whose thread takes joint states as they come."""

    name = "leader"

    def __init__(self, model: ArmModel, joints: LeaderJoints, topic: str = TOPIC) -> None:
        self.inbox = Inbox()
        self.leader = Leader(model, joints, self.inbox)
        self.topic = topic
        self.process = RosProcess("leader_reader")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teleop-leader", daemon=True)

    def __enter__(self) -> LeaderDevice:
        node = self.process.__enter__().node
        node.create_subscription(JointState, self.topic, self._on_state, ros.NEWEST)
        if not self.process.wait_for(lambda: self.inbox.take().pose is not None, PATIENCE):
            self.process.__exit__(None, None, None)
            names = ", ".join(self.leader.joints.joints)
            raise ConnectionLostError(f"no joint states {names} on {self.topic}: start the leader's driver")
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(2.0)
        self.process.__exit__(kind, error, trace)

    def sample(self) -> Sample:
        """Where the leader is now."""
        return self.inbox.take()

    def _on_state(self, message: JointState) -> None:
        self.leader.take(list(message.name), list(message.position))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.process.spin(time.monotonic() + 0.05)


def leader_of(device: str, topic: str = TOPIC, joints: tuple[str, ...] = JOINTS) -> LeaderDevice | None:
    """The leader arm, if that is what a person moves."""
    return LeaderDevice(panda(), LeaderJoints(joints=joints), topic) if device == "leader" else None
