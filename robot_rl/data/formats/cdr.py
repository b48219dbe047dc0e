"""The few ROS 2 messages of a recording, to and from bytes (CDR, little endian), and what they look like."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

LINE: Final = "=" * 80
TIME: Final = f"{LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
HEADER: Final = f"{LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{TIME}"
LAYOUT: Final = (
    f"{LINE}\nMSG: std_msgs/MultiArrayLayout\nstd_msgs/MultiArrayDimension[] dim\nuint32 data_offset\n"
    f"{LINE}\nMSG: std_msgs/MultiArrayDimension\nstring label\nuint32 size\nuint32 stride\n"
)
IMAGE: Final = "sensor_msgs/msg/Image"
STRING: Final = "std_msgs/msg/String"
JOINTS: Final = "sensor_msgs/msg/JointState"
POSE: Final = "geometry_msgs/msg/PoseStamped"
ARRAYS: Final = {
    f"std_msgs/msg/{name}MultiArray": dtype
    for dtype, name in {
        **{f"float{bits}": f"Float{bits}" for bits in (32, 64)},
        **{f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)},
        **{f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)},
    }.items()
}
"""Type of message -> type of its numbers."""
ENCODINGS: Final = {"rgb8": None, "bgr8": cv2.COLOR_BGR2RGB, "mono8": cv2.COLOR_GRAY2RGB, "rgba8": cv2.COLOR_RGBA2RGB}
"""Encodings of images that are read, and how they become RGB."""
DEFINITIONS: Final = {
    STRING: "string data\n",
    IMAGE: "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n"
    f"uint8[] data\n{HEADER}",
    **{name: f"std_msgs/MultiArrayLayout layout\n{dtype}[] data\n{LAYOUT}" for name, dtype in ARRAYS.items()},
}
"""Type of message -> its definition, as a bag carries it."""


def array_type(dtype: str) -> str:
    """The message that holds numbers of a type; truth values go as small whole numbers."""
    wanted = "uint8" if dtype == "bool" else dtype
    return next(name for name, kind in ARRAYS.items() if kind == wanted)


class _Writer:
    """Bytes with everything at its alignment."""

    def __init__(self) -> None:
        self.data = bytearray(b"\x00\x01\x00\x00")

    def number(self, kind: str, value: float) -> _Writer:
        """One number; ``kind`` as in ``struct``."""
        self.align(struct.calcsize(kind))
        self.data += struct.pack("<" + kind, value)
        return self

    def text(self, value: str) -> _Writer:
        """A string with its length and a zero."""
        content = value.encode() + b"\x00"
        self.number("I", len(content))
        self.data += content
        return self

    def align(self, size: int) -> None:
        """Fill up to a multiple of ``size``."""
        self.data += bytes(-(len(self.data) - 4) % size)


class _Reader:
    """The same the other way round."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 4
        self.order: Literal["<", ">"] = "<" if data[1] == 1 else ">"

    def number(self, kind: str) -> int | float:
        """One number."""
        size = struct.calcsize(kind)
        self.at += -(self.at - 4) % size
        self.at += size
        return struct.unpack_from(self.order + kind, self.data, self.at - size)[0]

    def text(self) -> str:
        """A string."""
        size = int(self.number("I"))
        self.at += size
        return self.data[self.at - size : self.at - 1].decode()

    def array(self, dtype: str) -> NDArray:
        """A sequence of numbers."""
        count, kind = int(self.number("I")), np.dtype(dtype).newbyteorder(self.order)
        self.at += -(self.at - 4) % kind.itemsize if count else 0
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values.astype(dtype)

    def skip_header(self) -> None:
        """``std_msgs/Header``."""
        self.number("i")
        self.number("I")
        self.text()


def encode_text(value: str) -> bytes:
    """``std_msgs/msg/String``."""
    return bytes(_Writer().text(value).data)


def encode_array(values: NDArray, labels: Sequence[str] = ()) -> bytes:
    """``std_msgs/msg/*MultiArray`` with the array's shape in its layout."""
    values = np.ascontiguousarray(values.astype(np.uint8) if values.dtype == np.bool_ else values)
    writer = _Writer().number("I", values.ndim)
    for axis, size in enumerate(values.shape):
        writer.text(labels[axis] if labels else "").number("I", size)
        writer.number("I", int(np.prod(values.shape[axis:], dtype=np.int64)))
    writer.number("I", 0).number("I", values.size)
    if values.size:
        writer.align(values.itemsize)
    writer.data += values.astype(values.dtype.newbyteorder("<")).tobytes()
    return bytes(writer.data)


def encode_image(image: NDArray[np.uint8], stamp: int, camera: str) -> bytes:
    """``sensor_msgs/msg/Image`` of an image (H, W, 3) taken at ``stamp`` [ns]."""
    writer = _Writer().number("i", stamp // 10**9).number("I", stamp % 10**9).text(camera)
    writer.number("I", image.shape[0]).number("I", image.shape[1]).text("rgb8").number("B", 0)
    writer.number("I", image.shape[1] * 3).number("I", image.size)
    writer.data += image.tobytes()
    return bytes(writer.data)


def decode(kind: str, data: bytes) -> NDArray | str | None:
    """What a message says: text, an array, an RGB image (H, W, 3); None for kinds that are not read."""
    reader = _Reader(data)
    if kind == STRING:
        return reader.text()
    if kind in ARRAYS:
        shape = [_dimension(reader) for _ in range(int(reader.number("I")))]
        reader.number("I")
        values = reader.array(ARRAYS[kind])
        return values.reshape(shape) if shape and np.prod(shape) == values.size else values
    if kind not in (IMAGE, JOINTS, POSE):
        return None
    reader.skip_header()
    if kind == IMAGE:
        return _image(reader)
    if kind == POSE:
        return np.array([reader.number("d") for _ in range(7)])
    for _ in range(int(reader.number("I"))):
        reader.text()
    return np.concatenate([reader.array("float64") for _ in range(3)])


def _dimension(reader: _Reader) -> int:
    reader.text()
    size = int(reader.number("I"))
    reader.number("I")
    return size


def _image(reader: _Reader) -> NDArray[np.uint8] | None:
    height, width = int(reader.number("I")), int(reader.number("I"))
    encoding = reader.text()
    reader.number("B")
    step = int(reader.number("I"))
    if encoding not in ENCODINGS:
        return None
    rows = reader.array("uint8").reshape(height, step)
    pixels = rows[:, : width * (step // max(width, 1))].reshape(height, width, -1)
    change = ENCODINGS[encoding]
    return pixels if change is None else np.asarray(cv2.cvtColor(pixels, change), np.uint8)
