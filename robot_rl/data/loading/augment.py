"""Image augmentation on a batch: uint8 in, uint8 out, one compiled pass from where the images lie into the batch.

Each camera of each sample gets one draw; all images of its history share it, so that motion stays motion.

Shift (Yarats et al. 2021, DrQ): pad by ``shift`` pixels, repeating the edge, and cut the image out at a random whole
offset. Crop: cut ``crop`` out at a random place, after the shift. Both are one cut at an offset that may reach over the
edge, where the edge is repeated.

Colour: with brightness b, contrast c, saturation s, each drawn evenly from [1 - x, 1 + x], grey g = 0.299 R + 0.587 G
+ 0.114 B and m the mean of g over the cut image, each channel v becomes c b (s v + (1 - s) g) + (1 - c) b m, rounded
to the nearest whole number and clipped to 0 .. 255. Nothing is clipped in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.data.copying import in_line, move

GREY: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is drawn for each camera of each sample."""

    shift: int = 4
    """Largest shift in each direction [pixel]."""
    crop: tuple[int, int] | None = None
    """Height and width cut out at random [pixel]; None keeps the whole image."""
    brightness: float = 0.0
    """Largest relative change."""
    contrast: float = 0.0
    """Largest relative change."""
    saturation: float = 0.0
    """Largest relative change."""

    def __post_init__(self) -> None:
        if self.shift < 0 or not all(0.0 <= x <= 1.0 for x in (self.brightness, self.contrast, self.saturation)):
            raise ConfigError("augmentation: give a shift of at least 0 pixels and colour changes from 0 to 1")

    def cut(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width that an image of ``shape`` (H, W, 3) is cut to; ``ConfigError`` if it is too small."""
        height, width = self.crop or shape[:2]
        if not (0 < height <= shape[0] and 0 < width <= shape[1]):
            raise ConfigError(f"crop {self.crop} of images of {shape[0]} x {shape[1]} pixels: choose a smaller one")
        return height, width

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], count: int) -> Draws:
        """Draws for ``count`` images of ``shape`` (H, W, 3)."""
        height, width = self.cut(shape)
        spare = np.array([shape[0] - height, shape[1] - width])
        offset = rng.integers(-self.shift, self.shift + 1, size=(count, 2)) + rng.integers(0, spare + 1, (count, 2))
        ranges = np.array([self.brightness, self.contrast, self.saturation])
        factors = 1.0 + ranges * rng.uniform(-1.0, 1.0, size=(count, 3))
        return Draws(offset, factors.astype(np.float32) if ranges.any() else None)

    def centre(self, shape: tuple[int, ...], count: int) -> Draws:
        """What to use when a policy is evaluated: the middle of the image, its colours as they are."""
        height, width = self.cut(shape)
        offset = np.tile([(shape[0] - height) // 2, (shape[1] - width) // 2], (count, 1))
        return Draws(offset, None)


@dataclass(frozen=True)
class Draws:
    """What was drawn for some images."""

    offset: NDArray[np.int64]
    """Row and column of the source where the cut begins, may lie outside it, (B, 2)."""
    factors: NDArray[np.float32] | None
    """Brightness, contrast, saturation, (B, 3); None leaves the colours alone."""


def augment(address: NDArray[np.int64], source: tuple[int, int], out: NDArray[np.uint8], draws: Draws) -> None:
    """Cut images out and change their colours.

    Args:
        address: Where each image lies, contiguous, (B,).
        source: Their height and width.
        out: The result, contiguous, (B, h, w, 3).
        draws: For these images.
    """
    if not out.flags.c_contiguous or out.shape[-1] != 3 or out.dtype != np.uint8:
        raise ConfigError("augmented images must be contiguous, uint8, and have three channels")
    cut_out(address, source, draws.offset, out)
    if draws.factors is not None:
        change_colours(out.reshape(len(out), -1), draws.factors)


@in_line
def _pointer(typingctx, address):  # noqa: ANN001, ANN202, ARG001  (typed by numba)
    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), build


@njit(cache=True, nogil=True)
def cut_out(address: NDArray, source: tuple[int, int], offset: NDArray, out: NDArray) -> None:
    """``out[b, y, x] = image b[clamp(y + offset[b, 0]), clamp(x + offset[b, 1])]``, whole runs of a line at once."""
    height, width = out.shape[1], out.shape[2]
    for b in range(len(address)):
        left = min(width, max(0, -offset[b, 1]))
        right = max(left, min(width, source[1] - offset[b, 1]))
        for y in range(height):
            row = min(source[0] - 1, max(0, y + offset[b, 0]))
            line = address[b] + row * source[1] * 3
            target = out[b, y].ctypes.data
            move(target + left * 3, line + (left + offset[b, 1]) * 3, (right - left) * 3)
            pixels = carray(_pointer(line), (source[1], 3), np.uint8)
            _fill(out[b, y], 0, left, pixels[0])
            _fill(out[b, y], right, width, pixels[source[1] - 1])


@njit(cache=True, nogil=True)
def _fill(line: NDArray, first: int, last: int, pixel: NDArray) -> None:
    for x in range(first, last):
        for channel in range(3):
            line[x, channel] = pixel[channel]


@njit(cache=True, nogil=True)
def change_colours(images: NDArray, factors: NDArray) -> None:
    """Change the colours of images (B, N), N = 3 x pixels, in place, by factors (B, 3)."""
    for b in range(len(images)):
        brightness, contrast, saturation = factors[b, 0], factors[b, 1], factors[b, 2]
        own = contrast * brightness * saturation
        shared = contrast * brightness * (np.float32(1.0) - saturation)
        constant = (np.float32(1.0) - contrast) * brightness * np.float32(mean_grey(images[b]))
        _recolour(images[b], own, shared, constant + np.float32(0.5))


@njit(cache=True, nogil=True)
def _recolour(image: NDArray, own: float, shared: float, constant: float) -> None:
    """All whole numbers of 32 bits and no branches, so that it is compiled to vector instructions."""
    red, green, blue = np.float32(GREY[0]), np.float32(GREY[1]), np.float32(GREY[2])
    low, high = np.int32(0), np.int32(255)
    for p in range(len(image) // 3):
        r, g, k = np.float32(image[3 * p]), np.float32(image[3 * p + 1]), np.float32(image[3 * p + 2])
        common = shared * (red * r + green * g + blue * k) + constant
        image[3 * p] = min(high, max(low, np.int32(own * r + common)))
        image[3 * p + 1] = min(high, max(low, np.int32(own * g + common)))
        image[3 * p + 2] = min(high, max(low, np.int32(own * k + common)))


@njit(cache=True, nogil=True)
def mean_grey(image: NDArray) -> float:
    """Mean of the grey values of an image (N,), N = 3 x pixels."""
    red, green, blue = 0, 0, 0
    for p in range(len(image) // 3):
        red += image[3 * p]
        green += image[3 * p + 1]
        blue += image[3 * p + 2]
    return (GREY[0] * red + GREY[1] * green + GREY[2] * blue) / (len(image) // 3)
