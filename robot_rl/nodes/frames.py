"""The arm's side of TF: frames of the station, of everyone on ``/tf``, and the tool's, which it tells of itself.

``tf2_msgs`` comes with a ROS installation, or from ``make ros-messages``; without it the station's frames and ``tool``
remain. A pose whose frame is not known yet at its time waits a moment for it; what stays unknown is refused, counted
and named.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.frames import BASE
from robot_rl.core.records import Array
from robot_rl.core.station import Station
from robot_rl.nodes import messages as ros
from robot_rl.nodes.transforms import NotYetError, TransformBuffer

LOG = logging.getLogger("arm_node")
TOOL = "tool"
"""The tool centre point as it is measured."""
PATIENCE = 0.1
"""How long a pose waits for its frame [s]."""
LOUD = 20
"""What is refused is named so often; then it is only counted."""
TF = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
TF_STATIC = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
Then = Callable[[Array], None]


def interface(name: str) -> ModuleType | None:
    """A package of messages that not every ROS has, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Frames:
    """Resolves what comes in other frames than ``base``; with ``tf2_msgs``, through TF.

    Args:
        node: Listens to ``/tf`` and ``/tf_static``, and publishes on both.
        station: Has the fixed frames.
    """

    def __init__(self, node: Node, station: Station) -> None:
        self.buffer = TransformBuffer(station.frames, own=(TOOL,))
        self.own = {*station.frames, TOOL}
        self.refused = 0
        """Poses that were refused for their frame, and transforms that were of no use."""
        self._waiting: dict[str, tuple[float, str, float | None, Then, Callable[[str], None]]] = {}
        self.types: Any = interface("tf2_msgs.msg")
        if self.types is None:
            LOG.warning("no tf2_msgs: frames of the station and %r only; make ros-messages adds TF", TOOL)
            return
        kind = self.types.TFMessage
        node.create_subscription(kind, "/tf", lambda message: self._hear(message, fixed=False), TF)
        node.create_subscription(kind, "/tf_static", lambda message: self._hear(message, fixed=True), TF_STATIC)
        self.moving = node.create_publisher(kind, "/tf", TF)
        self.still = node.create_publisher(kind, "/tf_static", TF_STATIC)
        now = time.monotonic()
        fixed = [
            _transform(frame.parent, name, self.buffer.seen_from_parent(name), now)
            for name, frame in station.frames.items()
        ]
        self.still.publish(kind(transforms=fixed))

    def _hear(self, message: Any, *, fixed: bool) -> None:  # noqa: ANN401  (a type that may be missing)
        for part in message.transforms:
            if part.child_frame_id in self.own:
                continue  # ours: nobody moves it from outside
            t, r = part.transform.translation, part.transform.rotation
            pose, stamp = np.array([t.x, t.y, t.z, r.x, r.y, r.z, r.w]), ros.to_monotonic(part.header.stamp)
            try:
                self.buffer.hear(part.header.frame_id, part.child_frame_id, pose, stamp, fixed=fixed)
            except CommandRejectedError as error:
                self._refuse("a transform", error, lambda _: None)

    def publish_tool(self, pose: Array, stamp: float) -> None:
        """Tell where the tool is, (7,) seen from base, at ``stamp`` [s]."""
        self.buffer.add(BASE, TOOL, pose, stamp)
        if self.types is not None:
            self.moving.publish(self.types.TFMessage(transforms=[_transform(BASE, TOOL, pose, stamp)]))

    def resolve(self, what: str, header: Header, then: Then, refused: Callable[[str], None] = lambda _: None) -> None:
        """Call ``then`` with the frame of ``header`` seen from base (7,) at its time, now or in a moment.

        A stamp of 0 means the newest. One ``what`` waits at a time: a newer one takes its place. ``refused`` is called
        with the reason otherwise.
        """
        zero = header.stamp.sec == 0 and header.stamp.nanosec == 0
        stamp = None if zero else ros.to_monotonic(header.stamp)
        self._waiting.pop(what, None)
        self._try(what, (time.monotonic() + PATIENCE, header.frame_id, stamp, then, refused))

    def poll(self) -> None:
        """Look again for what waits."""
        for what, entry in tuple(self._waiting.items()):
            del self._waiting[what]
            self._try(what, entry)

    def _try(self, what: str, entry: tuple[float, str, float | None, Then, Callable[[str], None]]) -> None:
        end, frame, stamp, then, refused = entry
        now = time.monotonic()
        try:
            pose = self.buffer.lookup(frame, stamp, now)
        except CommandRejectedError as error:
            if isinstance(error, NotYetError) and now < end:
                self._waiting[what] = entry
            else:
                self._refuse(what, error, refused)
            return
        then(pose)

    def _refuse(self, what: str, error: CommandRejectedError, refused: Callable[[str], None]) -> None:
        self.refused += 1
        if self.refused <= LOUD:
            LOG.warning("%s was ignored: %s", what, error)
        refused(str(error))


def _transform(parent: str, child: str, pose: Array, stamp: float) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    ros.fill_header(message, stamp, parent)
    place, turn = message.transform.translation, message.transform.rotation
    place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w = pose.tolist()
    return message
