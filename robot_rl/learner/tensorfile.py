"""Writes tensors in the safetensors format without holding up the threads that compute meanwhile.

Nothing is copied on the way, and Python's lock is free while the system takes the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
PIECE = 1 << 22
"""What the system is given at once [bytes]."""


def write(path: Path, tensors: Mapping[str, Tensor | NDArray]) -> None:
    """Write tensors of any shape on the CPU to a new file, the largest numbers first, so that all lie aligned."""
    named = {name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}
    order = sorted(named, key=lambda name: (-named[name].itemsize, name))
    header, end = {}, 0
    for name in order:
        tensor = named[name]
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _put(descriptor, memoryview(len(text).to_bytes(8, "little") + text))
        for name in order:
            _put(descriptor, _bytes_of(named[name]))
    finally:
        os.close(descriptor)


def _bytes_of(tensor: Tensor) -> memoryview:
    flat: NDArray[np.uint8] = tensor.reshape(-1).view(torch.uint8).numpy()
    return flat.data


def _put(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data[:PIECE]) :]
