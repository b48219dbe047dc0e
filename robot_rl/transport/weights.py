"""Weights as one flat buffer with a manifest, checked by SHA-256. No pickle."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import CheckpointError
from robot_rl.transport.experience_pb2 import Manifest, News, Tensor

ALIGNMENT = 64
CHUNK = 1 << 20
MAX_SIZE = 1 << 30
"""Largest buffer that an actor accepts [bytes]."""
DTYPES = ("float32", "float16", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


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


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One version as the learner holds it ready to send."""

    manifest: Manifest
    buffer: bytes
    published: float
    """Monotonic time of the publication [s]."""

    def messages(self) -> Iterator[News]:
        """The manifest with its age at this moment, then the buffer in chunks."""
        manifest = Manifest()
        manifest.CopyFrom(self.manifest)
        manifest.age = time.monotonic() - self.published
        yield News(manifest=manifest)
        for at in range(0, len(self.buffer), CHUNK):
            yield News(chunk=self.buffer[at : at + CHUNK])


def pack(tensors: Mapping[str, NDArray], version: int) -> Packed:
    """Copy weights into one buffer."""
    table, parts, offset = [], [], 0
    for name, value in tensors.items():
        array = np.asarray(value, order="C")
        if array.dtype.name not in DTYPES:
            raise CheckpointError(f"weights {name!r} are {array.dtype.name}, only {', '.join(DTYPES)} can be sent")
        table.append(Tensor(name=name, dtype=array.dtype.name, shape=array.shape, offset=offset))
        padding = -array.nbytes % ALIGNMENT
        parts += [array.tobytes(), bytes(padding)]
        offset += array.nbytes + padding
    buffer = b"".join(parts)
    digest = hashlib.sha256(buffer).digest()
    manifest = Manifest(version=version, sha256=digest, size=len(buffer), tensors=table)
    return Packed(manifest=manifest, buffer=buffer, published=time.monotonic())


def unpack(manifest: Manifest, buffer: bytearray, received: float) -> Weights:
    """Check a buffer and give its arrays.

    Args:
        manifest: As received.
        buffer: All chunks; the arrays are views of it.
        received: Monotonic time at which the manifest came [s].

    Returns:
        The weights; ``CheckpointError`` if the buffer is not what the manifest says.
    """
    if len(buffer) != manifest.size or hashlib.sha256(buffer).digest() != manifest.sha256:
        raise CheckpointError(f"weights version {manifest.version} arrived damaged: waiting for the next version")
    tensors = {}
    for entry in manifest.tensors:
        shape, count = tuple(entry.shape), math.prod(entry.shape)
        if entry.dtype not in DTYPES or entry.offset + count * np.dtype(entry.dtype).itemsize > manifest.size:
            raise CheckpointError(f"weights {entry.name!r} are described wrongly: update the older of the two programs")
        tensors[entry.name] = np.frombuffer(buffer, np.dtype(entry.dtype), count, entry.offset).reshape(shape)
    return Weights(version=manifest.version, published=received - manifest.age, tensors=tensors)
