"""The kernels of image augmentation: cuts out of images that lie anywhere in memory, and changes of colour."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from robot_rl.data.copying import in_line, move, settle, stream_row

GREY: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""
BLOCK: Final = 4096
"""Bytes that are put together in the nearest cache before they go past it."""


@in_line
def _pointer(typingctx, address):  # noqa: ANN001, ANN202, ARG001  (typed by numba)
    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), build


@njit(cache=True, nogil=True)
def cut_out(
    address: NDArray, source: tuple[int, int], offset: NDArray, out: NDArray, place: tuple[NDArray, bool]
) -> None:
    """``out[at[b], y, x] = image b[clamp(y + offset[b, 0]), clamp(x + offset[b, 1])]``, many lines at once.

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
            _cut_block(address[b], source, target, (count, out.shape[2]), (top + offset[b, 0], offset[b, 1]))
            if stream:
                stream_row(image + top * size, target, count * size)
    if stream:
        settle()


@njit(cache=True, nogil=True)
def _cut_block(image: int, source: tuple[int, int], target: int, cut: tuple[int, int], offset: tuple[int, int]) -> None:
    """Lines and pixels ``cut`` from row and column ``offset`` on of an image of ``source`` lines and pixels."""
    count, width = cut
    above = min(count, max(0, -offset[0]))
    below = max(above, min(count, source[0] - offset[0]))
    for y in range(above):
        _copy_lines(image, source, target + y * width * 3, (1, width), (0, offset[1]))
    first = (offset[0] + above, offset[1])
    _copy_lines(image, source, target + above * width * 3, (below - above, width), first)
    for y in range(below, count):
        _copy_lines(image, source, target + y * width * 3, (1, width), (source[0] - 1, offset[1]))


@njit(cache=True, nogil=True)
def _copy_lines(
    image: int, source: tuple[int, int], target: int, cut: tuple[int, int], offset: tuple[int, int]
) -> None:
    """As ``_cut_block``, of lines that are all there: they lie one after the other, so that only their ends differ."""
    (count, width), pixels = cut, source[1]
    begin = image + (offset[0] * pixels + offset[1]) * 3
    left = min(width, max(0, -offset[1]))
    right = max(left, min(width, pixels - offset[1]))
    if pixels == width:
        first, last = max(begin, image), min(begin + count * width * 3, image + source[0] * pixels * 3)
        move(target + first - begin, first, max(0, last - first))
    else:
        for y in range(count):
            move(target + (y * width + left) * 3, begin + (y * pixels + left) * 3, (right - left) * 3)
    if left > 0 or right < width:
        lines = carray(_pointer(image + offset[0] * pixels * 3), (count, pixels, 3), np.uint8)
        cuts = carray(_pointer(target), (count, width, 3), np.uint8)
        for y in range(count):
            _fill(cuts[y], 0, left, lines[y, 0])
            _fill(cuts[y], right, width, lines[y, pixels - 1])


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
