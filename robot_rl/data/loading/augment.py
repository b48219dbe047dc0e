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

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import IMAGES, Feature, Spec
from robot_rl.data.copying import row_addresses
from robot_rl.data.loading.pixels import change_colours, cut_out


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
            offset = shift + rng.integers(0, spare + 1, (count, 2)) if spare.any() else shift
            factors = None
            if ranges.any():
                factors = (1.0 + ranges * rng.uniform(-1.0, 1.0, size=(count, 3))).astype(np.float32)
            drawn[name] = Draws(offset, factors)
        return drawn

    def apply(self, rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Images (B, H, W, 3), each changed by a draw of its own, as a copy."""
        rows = np.arange(len(images))
        out = np.empty((len(images), *self.cut(images.shape[1:]), 3), np.uint8)
        draws = self.draw(rng, images.shape[1:], len(images))
        Cuts(row_addresses(images, rows), images.shape[1:], out, rows, draws).copy(slice(None), stream=False)
        return out

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
        if count == 1:
            return self
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
