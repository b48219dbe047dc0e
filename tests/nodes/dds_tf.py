"""Speaks TF with Eclipse Cyclone DDS, without ROS: publishes two frames, prints where it hears the arm's tool."""

import json
import signal
import sys
import time

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from dds_types import Header, Quaternion, TFMessage, Time, Transform, TransformStamped, Vector3

SECONDS = 20.0


def at(parent: str, child: str, place: tuple[float, float, float]) -> TFMessage:
    """A frame that is not turned, now."""
    now = time.time_ns()
    stamp = Time(sec=now // 10**9, nanosec=now % 10**9)
    turn = Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
    transform = Transform(translation=Vector3(*place), rotation=turn)
    header = Header(stamp=stamp, frame_id=parent)
    return TFMessage(transforms=[TransformStamped(header=header, child_frame_id=child, transform=transform)])


def main() -> None:
    """Publish ``base -> tag`` at 30 Hz and ``tag -> shelf`` once, until the input ends; print frames that came."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # takes leave of the others
    participant = DomainParticipant(int(sys.argv[1]))
    reliable = (Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(100))
    qos, latched = Qos(*reliable), Qos(*reliable, Policy.Durability.TransientLocal)
    moving, still = (Topic(participant, f"rt/{name}", TFMessage) for name in ("tf", "tf_static"))
    writers = DataWriter(participant, moving, qos=qos), DataWriter(participant, still, qos=latched)
    readers = DataReader(participant, moving, qos=qos), DataReader(participant, still, qos=latched)
    writers[1].write(at("tag", "shelf", (0.0, 0.0, 0.1)))
    heard: dict[str, list[float]] = {}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        writers[0].write(at("base", "tag", (0.1, 0.2, 0.0)))
        for reader in readers:
            for message in reader.take(100):
                for part in message.transforms:
                    t = part.transform.translation
                    heard[f"{part.header.frame_id}/{part.child_frame_id}"] = [t.x, t.y, t.z]
        sys.stdout.write(json.dumps(heard) + "\n")
        sys.stdout.flush()
        time.sleep(1 / 30)


main()
