"""Reads an arm's topics with Eclipse Cyclone DDS: run by ``test_interop`` in an environment without ROS."""

import json
import sys
import time
from dataclasses import dataclass

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import float64, int32, sequence, uint32
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration


@dataclass
class Time(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
    sec: int32
    nanosec: uint32


@dataclass
class Header(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
    stamp: Time
    frame_id: str


@dataclass
class JointState(IdlStruct, typename="sensor_msgs::msg::dds_::JointState_"):
    header: Header
    name: sequence[str]
    position: sequence[float64]
    velocity: sequence[float64]
    effort: sequence[float64]


@dataclass
class Point(IdlStruct, typename="geometry_msgs::msg::dds_::Point_"):
    x: float64
    y: float64
    z: float64


@dataclass
class Quaternion(IdlStruct, typename="geometry_msgs::msg::dds_::Quaternion_"):
    x: float64
    y: float64
    z: float64
    w: float64


@dataclass
class Pose(IdlStruct, typename="geometry_msgs::msg::dds_::Pose_"):
    position: Point
    orientation: Quaternion


@dataclass
class PoseStamped(IdlStruct, typename="geometry_msgs::msg::dds_::PoseStamped_"):
    header: Header
    pose: Pose


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
