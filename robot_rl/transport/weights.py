"""Weights as one flat buffer with a manifest, checked by SHA-256. No pickle."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import CheckpointError
from robot_rl.transport.codec import DTYPES
from robot_rl.transport.experience_pb2 import Manifest, News, Tensor
from robot_rl.transport.framing import padded_varint

ALIGNMENT = 64
CHUNK = 1 << 20
MAX_SIZE = 1 << 30
"""Largest buffer that an actor accepts [bytes]."""
NEWS_CHUNK = 0x12
"""Tag of the field ``chunk`` of ``News``."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One version of a policy's weights, as an actor received it."""

    version: int
    published: float
    """Monotonic time of the publication on this machine's clock [s]."""
    tensors: Mapping[str, NDArray]
    """Name -> array; writable views of a buffer of their own."""

    def age(self) -> float:
        """Time since the publication [s]."""
        return time.monotonic() - self.published


class Packed:
    """One version as the learner holds it ready to send. Making it copies the weights; the rest waits for an actor."""

    def __init__(self, tensors: Mapping[str, NDArray]) -> None:
        self.version = 0
        self.published = time.monotonic()
        """Monotonic time of the publication [s]."""
        self._arrays = {name: np.array(value, order="C") for name, value in tensors.items()}
        self._lock = threading.Lock()
        self._manifest = Manifest()
        self._chunks: list[bytes] = []
        for name, array in self._arrays.items():
            if array.dtype.name not in DTYPES:
                raise CheckpointError(f"weights {name!r} are {array.dtype.name}, only {', '.join(DTYPES)} can be sent")

    def messages(self) -> Iterator[bytes]:
        """Encoded ``News``: the manifest with the weights' age at this moment, then the buffer in chunks."""
        with self._lock:
            if not self._manifest.tensors:
                self._encode()
        manifest = Manifest()
        manifest.CopyFrom(self._manifest)
        manifest.version, manifest.age = self.version, time.monotonic() - self.published
        yield News(manifest=manifest).SerializeToString()
        yield from self._chunks

    def _encode(self) -> None:
        parts, offset = [], 0
        for name, array in self._arrays.items():
            entry = Tensor(name=name, dtype=array.dtype.name, shape=array.shape, offset=offset)
            self._manifest.tensors.append(entry)
            padding = -array.nbytes % ALIGNMENT
            parts += [array.tobytes(), bytes(padding)]
            offset += array.nbytes + padding
        buffer = memoryview(b"".join(parts))
        self._manifest.size, self._manifest.sha256 = offset, hashlib.sha256(buffer).digest()
        pieces = (buffer[at : at + CHUNK] for at in range(0, offset, CHUNK))
        self._chunks = [bytes((NEWS_CHUNK,)) + padded_varint(len(piece)) + piece for piece in pieces]


class Unpacker:
    """Collects the chunks of one version in an actor, and checks them as they come."""

    def __init__(self, manifest: Manifest) -> None:
        if manifest.size > MAX_SIZE:
            raise CheckpointError(f"weights of {manifest.size} bytes are too large, at most {MAX_SIZE} are accepted")
        self._manifest = manifest
        self._received = time.monotonic()
        self._buffer = bytearray(manifest.size)
        self._digest = hashlib.sha256()
        self._filled = 0

    def add(self, chunk: bytes) -> None:
        """The next chunk."""
        end = self._filled + len(chunk)
        if end > len(self._buffer):
            raise CheckpointError("more weights arrived than were announced: waiting for the next version")
        self._buffer[self._filled : end] = chunk
        self._digest.update(chunk)
        self._filled = end

    @property
    def complete(self) -> bool:
        """Whether all chunks are there."""
        return self._filled == len(self._buffer)

    def weights(self) -> Weights:
        """The arrays, views of one buffer; ``CheckpointError`` if that is not what the manifest says."""
        manifest = self._manifest
        if self._digest.digest() != manifest.sha256:
            raise CheckpointError(f"weights version {manifest.version} arrived damaged: waiting for the next version")
        tensors = {entry.name: self._array(entry) for entry in manifest.tensors}
        return Weights(version=manifest.version, published=self._received - manifest.age, tensors=tensors)

    def _array(self, entry: Tensor) -> NDArray:
        shape, count = tuple(entry.shape), math.prod(entry.shape)
        known = entry.dtype in DTYPES
        if not known or entry.offset + count * np.dtype(entry.dtype).itemsize > len(self._buffer):
            raise CheckpointError(f"weights {entry.name!r} are described wrongly: update the older of the two programs")
        return np.frombuffer(self._buffer, np.dtype(entry.dtype), count, entry.offset).reshape(shape)
