"""Compressed arrays for episodes that are seldom read: one zarr v3 shard per array, inner chunks of eight rows.

Each inner chunk is turned so that the eight values of a pixel lie side by side, and its bits are shuffled before zstd:
what does not change from frame to frame then costs almost nothing even under sensor noise. Only codecs of the zarr v3
core are used (sharding_indexed, transpose, bytes, blosc, crc32c), so every zarr v3 reader opens the result.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Feature
from robot_rl.data.layout import array_metadata

INNER: Final = 8
"""Rows of an inner chunk."""
LEVEL: Final = 1
"""Of zstd; 5 takes four times as long and saves 3 % more."""
ENDIAN: Final = {"name": "bytes", "configuration": {"endian": "little"}}


@dataclass(frozen=True)
class Shard:
    """The bytes of an array's one file, piece by piece, and its ``zarr.json``."""

    pieces: Iterator[bytes]
    metadata: bytes


def shard(feature: Feature, rows: NDArray) -> Shard:
    """Compress an array (T, ...)."""
    return Shard(_pieces(feature, rows), _metadata(feature, len(rows)))


def _codec(dtype: np.dtype) -> Blosc:
    return Blosc("zstd", clevel=LEVEL, shuffle=Blosc.BITSHUFFLE, typesize=dtype.itemsize)


def _pieces(feature: Feature, rows: NDArray) -> Iterator[bytes]:
    dtype, sizes = np.dtype(feature.dtype).newbyteorder("<"), []
    codec = _codec(dtype)
    for start in range(0, len(rows), INNER):
        chunk = np.zeros((INNER, *feature.shape), dtype)
        part = rows[start : start + INNER]
        chunk[: len(part)] = part
        piece = codec.encode(np.ascontiguousarray(np.moveaxis(chunk, 0, -1)))
        sizes.append(len(piece))
        yield piece
    offsets = np.cumsum([0, *sizes[:-1]])
    index = np.stack([offsets, sizes], axis=1).astype("<u8").tobytes()
    yield index + google_crc32c.value(index).to_bytes(4, "little")


def _metadata(feature: Feature, count: int) -> bytes:
    metadata: dict[str, Any] = json.loads(array_metadata(feature, count))
    shape = [-(-count // INNER) * INNER, *feature.shape]
    dtype = np.dtype(feature.dtype)
    blosc = {"typesize": dtype.itemsize, "cname": "zstd", "clevel": LEVEL, "shuffle": "bitshuffle", "blocksize": 0}
    inner = [
        {"name": "transpose", "configuration": {"order": [*range(1, len(shape)), 0]}},
        ENDIAN if dtype.itemsize > 1 else {"name": "bytes"},
        {"name": "blosc", "configuration": blosc},
    ]
    sharding = {
        "chunk_shape": [INNER, *feature.shape],
        "codecs": inner,
        "index_codecs": [ENDIAN, {"name": "crc32c"}],
        "index_location": "end",
    }
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = shape
    metadata["codecs"] = [{"name": "sharding_indexed", "configuration": sharding}]
    return json.dumps(metadata, indent=1).encode()


class ShardedRows:
    """The rows of a compressed array: indexing gives plain arrays, ``np.asarray`` all of it."""

    def __init__(self, file: Path, feature: Feature, rows: int) -> None:
        """Map the file; ``DatasetError`` if it is not a shard of so many rows."""
        self.shape = (rows, *feature.shape)
        self.dtype = np.dtype(feature.dtype)
        self.ndim = len(self.shape)
        self._codec = _codec(self.dtype)
        count = -(-rows // INNER)
        try:
            with open(file, "rb") as opened:
                self._bytes = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):
            raise DatasetError(f"{file} cannot be read: the episode is damaged, remove its folder") from None
        index = bytes(self._bytes[-(count * 16 + 4) : -4])
        crc = int.from_bytes(self._bytes[-4:], "little")
        if len(index) != count * 16 or google_crc32c.value(index) != crc:
            raise DatasetError(f"{file} has no index of {rows} rows: the episode is damaged, remove its folder")
        self._index = np.frombuffer(index, "<u8").reshape(count, 2)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Size of the rows when they are not compressed [B]."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __getitem__(self, key: int | slice | NDArray) -> NDArray:
        """One row (...), or several (n, ...)."""
        if isinstance(key, int | np.integer):
            if not -len(self) <= key < len(self):
                raise IndexError(f"row {key} of {len(self)}")
            return self._take(np.array([key % len(self)]))[0]
        return self._take(np.arange(len(self))[key])

    def __array__(self, dtype: np.dtype | None = None) -> NDArray:
        return self._take(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def _take(self, rows: NDArray[np.int64]) -> NDArray:
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for chunk in np.unique(rows // INNER):
            here = np.flatnonzero(rows // INNER == chunk)
            out[here] = self._decode(int(chunk))[rows[here] % INNER]
        return out

    def _decode(self, chunk: int) -> NDArray:
        offset, size = (int(v) for v in self._index[chunk])
        raw = self._codec.decode(self._bytes[offset : offset + size])
        turned = np.frombuffer(raw, self.dtype).reshape(*self.shape[1:], INNER)
        return np.moveaxis(turned, -1, 0)
