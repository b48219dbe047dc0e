"""Standard ROS messages from our records, and back. Frame ``base``, SI units, REP-103.

Fields are filled from Python floats and ``array``: ROS takes a float32 or an int in a float64 field without a word and
sends garbage. The launcher also sets ``ROS_PYTHON_CHECK_FIELDS``, which turns such a slip into an error.
"""

from __future__ import annotations

import time
from array import array

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    Quaternion,
    TransformStamped,
    Twist,
    TwistStamped,
    Vector3,
    Wrench,
    WrenchStamped,
)
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState

from robot_rl.core.records import Array

FRAME = "base"
"""Every pose is seen from here."""
RELIABLE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.RELIABLE)
"""For publishers, who thereby serve every subscriber, and for commands."""
NEWEST = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT)
"""For subscribers to sensors."""
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""For what a late subscriber must still see."""


def to_time(monotonic: float) -> Time:
    """Wall time of a monotonic stamp [s]."""
    nanoseconds = round((monotonic - time.monotonic() + time.time()) * 1e9)
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def to_monotonic(stamp: Time) -> float:
    """Monotonic stamp [s] of a wall time."""
    return stamp.sec + stamp.nanosec * 1e-9 - time.time() + time.monotonic()


def fill_header(
    message: PoseStamped | JointState | Image | TransformStamped, monotonic: float, frame: str = FRAME
) -> None:
    """Set stamp and frame of any stamped message."""
    message.header.stamp = to_time(monotonic)
    message.header.frame_id = frame


def doubles(values: Array) -> array:
    """As ROS wants it: ``array('d')``, whatever float type comes in."""
    return array("d", np.asarray(values, np.float64).tobytes())


def named_values(names: list[str], values: Array, stamp: float) -> JointState:
    """Numbers with their names, in the standard message that has both."""
    message = JointState(name=names, position=doubles(values))
    fill_header(message, stamp)
    return message


def joint_state(names: list[str], vectors: tuple[Array, Array, Array], stamp: float) -> JointState:
    """Positions, velocities and efforts (n,) of joints."""
    position, velocity, effort = (doubles(v) for v in vectors)
    message = JointState(name=names, position=position, velocity=velocity, effort=effort)
    fill_header(message, stamp)
    return message


def to_pose(pose: Array) -> Pose:
    """From (7,)."""
    x, y, z, qx, qy, qz, qw = pose.tolist()
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def from_pose(pose: Pose) -> Array:
    """As (7,)."""
    p, o = pose.position, pose.orientation
    return np.array([p.x, p.y, p.z, o.x, o.y, o.z, o.w])


def pose_stamped(pose: Array, stamp: float) -> PoseStamped:
    """From (7,)."""
    message = PoseStamped(pose=to_pose(pose))
    fill_header(message, stamp)
    return message


def twist_stamped(twist: Array, stamp: float) -> TwistStamped:
    """From (6,), linear first."""
    vx, vy, vz, wx, wy, wz = twist.tolist()
    message = TwistStamped(twist=Twist(linear=Vector3(x=vx, y=vy, z=vz), angular=Vector3(x=wx, y=wy, z=wz)))
    fill_header(message, stamp)
    return message


def wrench_stamped(wrench: Array, stamp: float) -> WrenchStamped:
    """From (6,), force first."""
    fx, fy, fz, mx, my, mz = wrench.tolist()
    message = WrenchStamped(wrench=Wrench(force=Vector3(x=fx, y=fy, z=fz), torque=Vector3(x=mx, y=my, z=mz)))
    fill_header(message, stamp)
    return message


def to_image(rgb: NDArray[np.uint8], stamp: float, frame: str) -> Image:
    """From (H, W, 3). The data go in as ``array('B')``: anything else is converted byte by byte."""
    height, width, _ = rgb.shape
    data = array("B")
    data.frombytes(np.ascontiguousarray(rgb).reshape(-1).data)
    message = Image(height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width, data=data)
    fill_header(message, stamp, frame)
    return message


def from_image(message: Image) -> NDArray[np.uint8]:
    """As (H, W, 3), without a copy."""
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def diagnostics(parts: list[DiagnosticStatus], stamp: float) -> DiagnosticArray:
    """The status of some parts."""
    message = DiagnosticArray(status=parts)
    fill_header(message, stamp, "")
    return message


def status(name: str, level: bytes, text: str, values: dict[str, str]) -> DiagnosticStatus:
    """Of one part."""
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticStatus(level=level, name=name, message=text, hardware_id="arm", values=pairs)
