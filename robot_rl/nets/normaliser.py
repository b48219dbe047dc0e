"""Observations to network inputs: the spec's vectors, joined and scaled to zero mean and unit deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.spec import Spec

Statistics = Mapping[str, NDArray[np.float32]]
"""Name -> (2, n): row 0 the mean, row 1 the standard deviation of a vector feature."""
DEVIATION_MIN = 1e-3
"""Smallest standard deviation that is divided by; a constant feature stays small instead of exploding."""


def measure(arrays: Mapping[str, NDArray]) -> dict[str, NDArray[np.float32]]:
    """Statistics of data: name -> (N, n) samples in, name -> (2, n) mean and standard deviation out."""
    out = {}
    for name, samples in arrays.items():
        rows = np.asarray(samples, np.float64)
        out[name] = np.stack([rows.mean(0), rows.std(0)]).astype(np.float32)
    return out


class Normaliser(nn.Module):
    """Joins named vectors and normalises them; its buffers travel with the weights, so a checkpoint needs no more."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, spec: Spec, statistics: Statistics | None, names: Sequence[str] = (), limit: float = 10) -> None:
        """Take ``names`` of the spec (default: all its vectors); results are clipped to +-``limit``."""
        super().__init__()
        self.names = list(names or spec.vectors)
        self.limit = limit
        known = statistics or {}
        widths = [spec.observation[n].shape[0] for n in self.names]
        rows = [known.get(n, np.stack([np.zeros(w), np.ones(w)])) for n, w in zip(self.names, widths, strict=True)]
        joined = np.concatenate(rows, axis=1).astype(np.float32)
        self.register_buffer("mean", torch.from_numpy(joined[0].copy()))
        self.register_buffer("deviation", torch.from_numpy(np.maximum(joined[1], DEVIATION_MIN)))
        self.width = int(joined.shape[1])

    def forward(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Features (B, n) of a batch of observations."""
        parts = [obs[n] for n in self.names]
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        return ((joined - self.mean) / self.deviation).clamp(-self.limit, self.limit)
