"""Weights as one flat buffer with a manifest, in chunks, each checked by CRC-32C. No pickle.

The buffer never exists at the learner: publishing copies the arrays straight into the messages that are sent.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.arrays import ALIGNMENT, HandedOver
from robot_rl.core.errors import CheckpointError
from robot_rl.transport.codec import DTYPES
from robot_rl.transport.experience_pb2 import Manifest, News, Tensor
from robot_rl.transport.framing import padded_varint
from robot_rl.transport.versions import SCHEMA

CHUNK = 1 << 20
MAX_SIZE = 1 << 30
"""Largest buffer that an actor accepts [bytes]."""
NEWS_CHUNK = 0x12
"""Tag of the field ``chunk`` of ``News``."""
CHUNK_HEAD = 6
"""Bytes before the chunk itself in an encoded ``News``: the tag, and its length as ``padded_varint``."""
PADDING = memoryview(bytes(ALIGNMENT))
CRC_SINCE = 2
"""Schema from which on actors check CRC-32C."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One version of a policy's weights, as an actor received it."""

    version: int
    published: float
    """Monotonic time of the publication on this machine's clock [s]."""
    tensors: HandedOver
    """Name -> array; writable views of a buffer of their own, which a policy may keep."""

    def age(self) -> float:
        """Time since the publication [s]."""
        return time.monotonic() - self.published


class Packed:
    """One version as the learner holds it ready to send. Making it copies the weights; the rest waits for an actor."""

    def __init__(self, tensors: Mapping[str, NDArray]) -> None:
        self.version = 0
        self.published = time.monotonic()
        """Monotonic time of the publication [s]."""
        self._lock = threading.Lock()
        self._manifest = Manifest()
        pieces: list[memoryview] = []
        for name, value in tensors.items():
            if value.dtype.name not in DTYPES:
                raise CheckpointError(f"weights {name!r} are {value.dtype.name}, only {', '.join(DTYPES)} can be sent")
            array = np.asarray(value, order="C")
            entry = Tensor(name=name, dtype=array.dtype.name, shape=array.shape, offset=self._manifest.size)
            self._manifest.tensors.append(entry)
            pieces += [array.reshape(-1).view(np.uint8).data, PADDING[: -array.nbytes % ALIGNMENT]]
            self._manifest.size += array.nbytes + len(pieces[-1])
        self._chunks = list(_chunks(pieces, self._manifest.size))

    def messages(self, schema: int = SCHEMA) -> Iterator[bytes]:
        """Encoded ``News``: the manifest with the weights' age at this moment, then the buffer in chunks.

        Args:
            schema: Newest that the actor knows.
        """
        with self._lock:
            if not self._manifest.crcs:
                self._manifest.crcs.extend(map(google_crc32c.value, self._chunks))
            if schema < CRC_SINCE and not self._manifest.sha256:
                self._manifest.sha256 = _sha256(self._chunks)
        manifest = Manifest()
        manifest.CopyFrom(self._manifest)
        manifest.version, manifest.age = self.version, time.monotonic() - self.published
        yield News(manifest=manifest).SerializeToString()
        yield from self._chunks


def _chunks(pieces: Sequence[memoryview], size: int) -> Iterator[bytes]:
    """The pieces one after the other, as encoded ``News`` with a chunk each."""
    rest = iter(pieces)
    piece = memoryview(b"")
    for start in range(0, size, CHUNK):
        room = min(CHUNK, size - start)
        parts: list[bytes | memoryview] = [bytes((NEWS_CHUNK,)), padded_varint(room)]
        while room:
            if not piece:
                piece = next(rest)
            parts.append(piece[:room])
            piece, room = piece[room:], room - len(parts[-1])
        yield b"".join(parts)


def _sha256(chunks: Sequence[bytes]) -> bytes:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(memoryview(chunk)[CHUNK_HEAD:])
    return digest.digest()


def is_chunk(message: bytes) -> bool:
    """Whether an encoded ``News`` is a chunk of weights."""
    return message[:1] == bytes((NEWS_CHUNK,))


class Unpacker:
    """Collects the chunks of one version in an actor, and checks them as they come."""

    def __init__(self, manifest: Manifest) -> None:
        if manifest.size > MAX_SIZE:
            raise CheckpointError(f"weights of {manifest.size} bytes are too large, at most {MAX_SIZE} are accepted")
        self._manifest = manifest
        self._received = time.monotonic()
        self._buffer = _aligned(manifest.size)
        self._filled = self._count = 0

    def add(self, message: bytes) -> None:
        """The next chunk, an encoded ``News``; ``CheckpointError`` if it is not what the manifest says."""
        manifest, start = self._manifest, self._filled
        size = len(message) - CHUNK_HEAD
        if start + size > manifest.size or self._count >= len(manifest.crcs):
            raise CheckpointError("more weights arrived than were announced: waiting for the next version")
        sound = size >= 0 and message[1:CHUNK_HEAD] == padded_varint(size)
        if not sound or google_crc32c.value(message) != manifest.crcs[self._count]:
            raise CheckpointError(f"weights version {manifest.version} arrived damaged: waiting for the next version")
        self._buffer[start : start + size] = np.frombuffer(message, np.uint8, size, CHUNK_HEAD)
        self._filled += size
        self._count += 1

    @property
    def complete(self) -> bool:
        """Whether all chunks are there."""
        return self._filled == self._manifest.size

    def weights(self) -> Weights:
        """The arrays, views of one buffer; ``CheckpointError`` if they do not lie within it."""
        manifest = self._manifest
        tensors = HandedOver((entry.name, self._array(entry)) for entry in manifest.tensors)
        return Weights(version=manifest.version, published=self._received - manifest.age, tensors=tensors)

    def _array(self, entry: Tensor) -> NDArray:
        shape, count = tuple(entry.shape), math.prod(entry.shape)
        known = entry.dtype in DTYPES
        if not known or entry.offset + count * np.dtype(entry.dtype).itemsize > len(self._buffer):
            raise CheckpointError(f"weights {entry.name!r} are described wrongly: update the older of the two programs")
        return np.frombuffer(self._buffer, np.dtype(entry.dtype), count, entry.offset).reshape(shape)


def _aligned(size: int) -> NDArray[np.uint8]:
    """Bytes that begin where a policy's own tensors might: what is computed with them is the same to the last bit."""
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size]
