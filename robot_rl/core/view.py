"""What a policy is shown of a camera: a part of its image, in the size that the policy wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import StationError


@dataclass(frozen=True, kw_only=True)
class View:
    """A cut-out of a camera's image, scaled by averaging over the area that each new pixel covers."""

    crop: tuple[int, int, int, int] | None = None
    """First row, first column, height and width that are cut out [pixels]; None: the whole image."""
    size: tuple[int, int] | None = None
    """Height and width afterwards [pixels]; None: as cut out."""

    def shape(self, image: tuple[int, ...]) -> tuple[int, int, int]:
        """Of what is shown of images of shape (H, W, 3); ``StationError`` when the crop reaches beyond them."""
        top, left, height, width = self.crop or (0, 0, *image[:2])
        if min(top, left) < 0 or min(height, width) < 1 or top + height > image[0] or left + width > image[1]:
            raise StationError(
                f"crop {[top, left, height, width]} reaches beyond images of {image[0]} x {image[1]}: choose a smaller"
            )
        return (*(self.size or (height, width)), 3)

    def apply(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What is shown of an image (H, W, 3)."""
        rows, columns, _ = self.shape(rgb.shape)
        top, left, height, width = self.crop or (0, 0, *rgb.shape[:2])
        cut = rgb[top : top + height, left : left + width]
        if (rows, columns) == (height, width):
            return np.ascontiguousarray(cut)
        tall = np.tensordot(averages(height, rows), cut.astype(np.float32), axes=1)  # (rows, width, 3)
        wide = np.einsum("cw,rwk->rck", averages(width, columns), tall, optimize=True)
        return np.clip(np.rint(wide), 0, 255).astype(np.uint8)


def averages(pixels: int, wanted: int) -> NDArray[np.float32]:
    """How much each of ``pixels`` counts in each of ``wanted`` equal stretches of the line, (wanted, pixels)."""
    edges = np.linspace(0, pixels, wanted + 1)
    first, last = edges[:-1, None], edges[1:, None]
    pixel = np.arange(pixels)
    overlap = np.clip(np.minimum(last, pixel + 1) - np.maximum(first, pixel), 0.0, None)
    return (overlap / (last - first)).astype(np.float32)
