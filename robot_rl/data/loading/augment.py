"""Image augmentation on a batch: uint8 in, uint8 out, one compiled pass from where the images lie into the batch.

Each camera of each sample gets one draw (``together``: all cameras of a sample are shifted by the same one); all images
of its history share it, so that motion stays motion.

Shift (Yarats et al. 2021, DrQ): pad by ``shift`` pixels, repeating the edge, and cut the image out at a random whole
offset. Crop: cut ``crop`` out at a random place, after the shift. Both are one cut at an offset that may reach over the
edge, where the edge is repeated.

Colour: with brightness b, contrast c, saturation s, each drawn evenly from [1 - x, 1 + x], grey g = 0.299 R + 0.587 G
+ 0.114 B and m the mean of g over the cut image, each channel v becomes c b (s v + (1 - s) g) + (1 - c) b m, rounded
to the nearest whole number and clipped to 0 .. 255. Nothing is clipped in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import IMAGES, Feature, Spec
from robot_rl.data.copying import in_line, move, settle, stream_row

GREY: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""
BLOCK: Final = 8192
"""Bytes that are put together in the nearest cache before they go past it."""


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
    together: bool = False
    """The cameras of a sample are shifted alike; else each has a draw of its own."""

    def __post_init__(self) -> None:
        if self.shift < 0 or not all(0.0 <= x <= 1.0 for x in (self.brightness, self.contrast, self.saturation)):
            raise ConfigError("augmentation: give a shift of at least 0 pixels and colour changes from 0 to 1")

    def cut(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width that an image of ``shape`` (H, W, 3) is cut to; ``ConfigError`` if it is too small."""
        height, width = self.crop or shape[:2]
        if not (0 < height <= shape[0] and 0 < width <= shape[1]):
            raise ConfigError(f"crop {self.crop} of images of {shape[0]} x {shape[1]} pixels: choose a smaller one")
        return height, width

    def applied(self, spec: Spec) -> Spec:
        """What observations look like afterwards: cut images may be smaller than recorded ones."""
        features = dict(spec.observation)
        for name, feature in spec.observation.items():
            if name.startswith(IMAGES):
                features[name] = Feature((*self.cut(feature.shape), *feature.shape[2:]), feature.dtype)
        return Spec(observation=features, action_dim=spec.action_dim, rate=spec.rate)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], count: int) -> Draws:
        """Draws for ``count`` images of ``shape`` (H, W, 3)."""
        return self.draw_all(rng, {"": shape}, count)[""]

    def draw_all(self, rng: np.random.Generator, shapes: Mapping[str, tuple[int, ...]], count: int) -> dict[str, Draws]:
        """Draws for ``count`` samples of several cameras, name -> shape (H, W, 3)."""
        ranges = np.array([self.brightness, self.contrast, self.saturation])
        drawn: dict[str, Draws] = {}
        shift = np.empty((0, 2), np.int64)
        for name, shape in shapes.items():
            height, width = self.cut(shape)
            spare = np.array([shape[0] - height, shape[1] - width])
            if not (self.together and drawn):
                shift = rng.integers(-self.shift, self.shift + 1, size=(count, 2))
            place = rng.integers(0, spare + 1, (count, 2))
            factors = None
            if ranges.any():
                factors = (1.0 + ranges * rng.uniform(-1.0, 1.0, size=(count, 3))).astype(np.float32)
            drawn[name] = Draws(shift + place, factors)
        return drawn

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

    def repeat(self, count: int) -> Draws:
        """Each draw for ``count`` images in a row."""
        factors = None if self.factors is None else np.repeat(self.factors, count, axis=0)
        return Draws(np.repeat(self.offset, count, axis=0), factors)


@dataclass(frozen=True)
class Cuts:
    """Images to cut out and recolour: image ``b`` goes from ``address[b]`` to ``target[at[b]]``."""

    address: NDArray[np.int64]
    """Where each image lies, contiguous, (B,)."""
    source: tuple[int, ...]
    """Shape of these images, (H, W, 3)."""
    target: NDArray[np.uint8]
    """Contiguous, (N, h, w, 3)."""
    at: NDArray[np.int64]
    """Places in ``target``, (B,)."""
    draws: Draws
    """For these images."""

    def __post_init__(self) -> None:
        if not self.target.flags.c_contiguous or self.target.shape[-1] != 3 or self.target.dtype != np.uint8:
            raise ConfigError("augmented images must be contiguous, uint8, and have three channels")

    def copy(self, some: slice, stream: bool) -> None:
        """Cut out some of the images; those that change their colours do not go past the cache."""
        stream = stream and self.draws.factors is None
        cut_out(self.address[some], self.source[:2], self.draws.offset[some], self.target, (self.at[some], stream))
        if self.draws.factors is not None:
            change_colours(self.target.reshape(len(self.target), -1), self.at[some], self.draws.factors[some])


@in_line
def _pointer(typingctx, address):  # noqa: ANN001, ANN202, ARG001  (typed by numba)
    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), build


@njit(cache=True, nogil=True)
def cut_out(
    address: NDArray, source: tuple[int, int], offset: NDArray, out: NDArray, place: tuple[NDArray, bool]
) -> None:
    """``out[at[b], y, x] = image b[clamp(y + offset[b, 0]), clamp(x + offset[b, 1])]``, whole runs of a line at once.

    ``place`` is ``at`` and whether to go past the cache: some lines are put together in it, and leave it at once.
    """
    at, stream = place
    height, size = out.shape[1], out.shape[2] * 3
    lines = max(1, BLOCK // size) if stream else height
    block = np.empty(lines * size if stream else 0, np.uint8)
    for b in range(len(address)):
        image = out.ctypes.data + at[b] * height * size
        for top in range(0, height, lines):
            count = min(lines, height - top)
            target = block.ctypes.data if stream else image + top * size
            for y in range(count):
                row = min(source[0] - 1, max(0, top + y + offset[b, 0]))
                _cut_line(address[b] + row * source[1] * 3, source[1], target + y * size, out.shape[2], offset[b, 1])
            if stream:
                stream_row(image + top * size, target, count * size)
    if stream:
        settle()


@njit(cache=True, nogil=True)
def _cut_line(source: int, pixels: int, target: int, width: int, offset: int) -> None:
    """One line of ``width`` pixels from a line of ``pixels``, beginning at ``offset``."""
    left = min(width, max(0, -offset))
    right = max(left, min(width, pixels - offset))
    move(target + left * 3, source + (left + offset) * 3, (right - left) * 3)
    line = carray(_pointer(source), (pixels, 3), np.uint8)
    cut = carray(_pointer(target), (width, 3), np.uint8)
    _fill(cut, 0, left, line[0])
    _fill(cut, right, width, line[pixels - 1])


@njit(cache=True, nogil=True)
def _fill(line: NDArray, first: int, last: int, pixel: NDArray) -> None:
    for x in range(first, last):
        for channel in range(3):
            line[x, channel] = pixel[channel]


@njit(cache=True, nogil=True)
def change_colours(images: NDArray, at: NDArray, factors: NDArray) -> None:
    """Change the colours of images at (B,) of (M, N), N = 3 x pixels, in place, by factors (B, 3)."""
    for b in range(len(at)):
        image = images[at[b]]
        brightness, contrast, saturation = factors[b, 0], factors[b, 1], factors[b, 2]
        own = contrast * brightness * saturation
        shared = contrast * brightness * (np.float32(1.0) - saturation)
        constant = (np.float32(1.0) - contrast) * brightness * np.float32(mean_grey(image))
        _recolour(image, own, shared, constant + np.float32(0.5))


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
