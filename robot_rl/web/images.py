"""Images for a browser."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def jpeg(rgb: NDArray[np.uint8], quality: int = 80) -> bytes:
    """A JPEG file of an image (H, W, 3); ``quality`` in [1, 100]."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
