"""What every policy made of one torch module shares: observations in, weights in and out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.errors import CheckpointError
from robot_rl.core.records import Observation


class Weights:
    """The parameters and buffers of a module as named numpy arrays, for the wire and for checkpoints."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def get(self) -> dict[str, NDArray]:
        """Copies of all parameters and buffers."""
        return {k: v.detach().cpu().numpy().copy() for k, v in self.module.state_dict().items()}

    @torch.no_grad()
    def put(self, weights: Mapping[str, NDArray]) -> None:
        """Overwrite them in place; ``CheckpointError`` when names or shapes do not fit."""
        own = self.module.state_dict()
        wrong = [k for k, v in own.items() if k not in weights or tuple(weights[k].shape) != tuple(v.shape)]
        if wrong or len(weights) != len(own):
            name = (wrong or sorted(set(weights) - set(own)))[0]
            raise CheckpointError(f"weights do not fit this policy at {name!r}: use the checkpoint's own configuration")
        for name, tensor in own.items():
            tensor.copy_(torch.as_tensor(np.asarray(weights[name])))


def single(obs: Observation, names: list[str], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """The named features of one observation as a batch of one, each (1, ...); images and maps keep their type."""
    arrays = {n: np.array(obs[n]) for n in names}
    kept = {n: a if a.dtype in (np.uint8, np.float16) else a.astype(np.float32) for n, a in arrays.items()}
    return {n: torch.as_tensor(a[None], device=device) for n, a in kept.items()}
