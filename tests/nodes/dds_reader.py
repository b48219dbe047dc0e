"""Reads an arm's topics with Eclipse Cyclone DDS: run by ``test_interop`` in an environment without ROS."""

import json
import sys
import time

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from dds_types import JointState, PoseStamped

TOPICS = {"joint_states": JointState, "energy": JointState, "robot_state": JointState, "current_pose": PoseStamped}
"""Name -> type."""


def main() -> None:
    """Print the first sample of every topic, as JSON."""
    participant = DomainParticipant(int(sys.argv[1]))
    qos = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(1))
    readers = {n: DataReader(participant, Topic(participant, f"rt/{n}", t), qos=qos) for n, t in TOPICS.items()}
    found, end = {}, time.monotonic() + 30.0
    while len(found) < len(readers) and time.monotonic() < end:
        for name in readers.keys() - found.keys():
            for sample in readers[name].take_iter(timeout=duration(milliseconds=200)):
                found[name] = sample
                break
    out = {n: {"frame": m.header.frame_id, "sec": m.header.stamp.sec} for n, m in found.items()}
    for name in out.keys() - {"current_pose"}:
        out[name] |= {"name": list(found[name].name), "position": list(found[name].position)}
    if "current_pose" in found:
        p = found["current_pose"].pose
        out["current_pose"]["pose"] = [p.position.x, p.position.y, p.position.z, p.orientation.w]
    json.dump(out, sys.stdout)


main()
