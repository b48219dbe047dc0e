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
        """Of what is shown of images of shape (H, W, 3)."""
        height, width = self.size or (self.crop[2:] if self.crop else image[:2])
        return height, width, 3

    def check(self, height: int, width: int) -> None:
        """``StationError`` unless the crop lies within images of that size."""
        top, left, rows, columns = self.crop or (0, 0, height, width)
        inside = min(top, left) >= 0 and top + rows <= height and left + columns <= width
        if not inside or min(rows, columns, *(self.size or (1,))) < 1:
            wanted = f"crop {[top, left, rows, columns]}" if not inside else f"size {list(self.size or ())}"
            raise StationError(f"{wanted} does not fit images of {height} x {width} pixels: choose another")

    def apply(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What is shown of an image (H, W, 3)."""
        top, left, height, width = self.crop or (0, 0, *rgb.shape[:2])
        self.check(*rgb.shape[:2])
        rows, columns, _ = self.shape(rgb.shape)
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
