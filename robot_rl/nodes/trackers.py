"""Objects that somebody tracks, where the arm's own state does not say where they are: on a robot, that is."""

from __future__ import annotations

import logging
import time
from functools import partial

import numpy as np
from geometry_msgs.msg import PoseStamped

from robot_rl.core.records import Array
from robot_rl.nodes import messages as ros
from robot_rl.nodes.ros import RosProcess

LOG = logging.getLogger("trackers")
MAX_AGE = 1.0
"""A pose older than this is nobody's any more [s]."""


class Trackers:
    """Newest poses from ``geometry_msgs/PoseStamped`` on ``objects/<name>``, in the arm's base frame; any tracker's."""

    def __init__(self, process: RosProcess) -> None:
        self.process = process
        self._seen: dict[str, tuple[float, Array]] = {}

    def follow(self, names: tuple[str, ...], patience: float) -> None:
        """Listen for these objects; returns when all have been seen, or after ``patience`` [s]."""
        for name in names:
            self.process.node.create_subscription(
                PoseStamped, f"objects/{name}", partial(self._on_pose, name), ros.NEWEST
            )
        self.process.wait_for(lambda: len(self.poses()) == len(names), patience)

    def poses(self) -> dict[str, Array]:
        """The poses (7,) that are new enough."""
        now = time.monotonic()
        return {name: pose for name, (stamp, pose) in self._seen.items() if now - stamp <= MAX_AGE}

    def _on_pose(self, name: str, message: PoseStamped) -> None:
        pose = ros.from_pose(message.pose)
        if message.header.frame_id != ros.FRAME or not np.isfinite(pose).all():
            LOG.warning("a pose of %s was ignored: it must be finite and in the frame %r", name, ros.FRAME)
            return
        self._seen[name] = (ros.to_monotonic(message.header.stamp), pose)
