"""A short film in one JPEG: frames side by side, cameras one above the other."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_FRAMES = 120


@dataclass(frozen=True, kw_only=True)
class Film:
    """A strip of frames as a data URI."""

    uri: str
    frames: int
    width: int
    """Of one frame [px]."""
    height: int
    """Of all cameras above each other [px]."""
    cameras: tuple[str, ...]
    rows: tuple[int, ...]
    """Which step each frame shows."""


def film(images: Mapping[str, NDArray[np.uint8]], quality: int = 86) -> Film:
    """The strip of a (T, H, W, 3) sequence per camera; all of one size."""
    cameras = tuple(sorted(images))
    length = min(len(images[c]) for c in cameras)
    rows = np.unique(np.linspace(0, length - 1, min(length, MOST_FRAMES)).round().astype(int))
    columns = [np.concatenate([images[c][row] for c in cameras], axis=0) for row in rows]
    strip = np.concatenate(columns, axis=1)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(strip, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    uri = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
    height, width = columns[0].shape[:2]
    return Film(uri=uri, frames=len(rows), width=width, height=height, cameras=cameras, rows=tuple(map(int, rows)))
