"""Images to MP4 and back, with PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.data.formats.needs import need

ENCODERS: Final = {"h264": "libx264", "av1": "libsvtav1"}
SMALLEST: Final = {"h264": 2, "av1": 64}
"""Least width and height that an encoder takes [pixel]."""


def encode(path: Path, frames: NDArray[np.uint8], rate: int, codec: str, quality: int) -> None:
    """Write frames (T, H, W, 3) with a key frame every other frame, as LeRobot does, so that any is found quickly."""
    av = need("av")
    height, width = frames.shape[1:3]
    if min(height, width) < SMALLEST[codec] or height % 2 or width % 2:
        raise ConfigError(f"images of {width} x {height} pixels cannot be {codec} video: convert with images png")
    os.environ.setdefault("SVT_LOG", "1")  # errors only
    options = {"g": "2", "crf": str(quality)} | ({"bf": "0"} if codec == "h264" else {})
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(ENCODERS[codec], rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        file.mux(stream.encode())


def decode(path: Path, start: float, count: int, rate: float) -> Iterator[NDArray[np.uint8]]:
    """Yield ``count`` frames (H, W, 3) from ``start`` [s] on; ``DatasetError`` when there are fewer."""
    av = need("av")
    found = 0
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            file.seek(max(0, int((start - 0.5 / rate) / stream.time_base)), stream=stream, backward=True)
            for frame in file.decode(stream):
                if frame.time is not None and frame.time > start - 0.5 / rate and found < count:
                    found += 1
                    yield frame.to_ndarray(format="rgb24")
                if found == count:
                    return
    except (OSError, av.FFmpegError):
        raise DatasetError(f"{path} cannot be decoded: copy it again from where it came") from None
    raise DatasetError(f"{path} has {found} frames from {start:.3f} s on, its episode {count}: it is not whole")


def squared_error(path: Path, frames: NDArray[np.uint8], rate: int) -> float:
    """Mean squared error of the decoded frames against those that were encoded."""
    total = 0.0
    for before, after in zip(frames, decode(path, 0.0, len(frames), rate), strict=True):
        total += float(np.square(before.astype(np.float32) - after).mean(dtype=np.float64))
    return total / len(frames)
