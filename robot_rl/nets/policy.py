"""What every policy made of one torch module shares: observations in, weights in and out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from robot_rl.core.arrays import ALIGNMENT, HandedOver
from robot_rl.core.errors import CheckpointError
from robot_rl.core.records import Observation
from robot_rl.nets.state import copied

WEIGHTS = "weights/"
"""Before the names that ``copied`` is told, beside those of a learner's state."""


class Weights:
    """The parameters and buffers of a module as named numpy arrays, for the wire and for checkpoints."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def get(self) -> dict[str, NDArray]:
        """Copies of all parameters and buffers."""
        return {k: copied(WEIGHTS + k, v).cpu().contiguous().numpy() for k, v in self.module.state_dict().items()}

    @torch.no_grad()
    def put(self, weights: Mapping[str, NDArray]) -> None:
        """Overwrite them in place; ``CheckpointError`` when names or shapes do not fit.

        What is ``HandedOver`` is not copied where it lies as the module wants it: the module takes the memory itself,
        which costs microseconds however large it is.
        """
        own = self.module.state_dict(keep_vars=True)
        wrong = [k for k, v in own.items() if k not in weights or tuple(weights[k].shape) != tuple(v.shape)]
        if wrong or len(weights) != len(own):
            name = (wrong or sorted(set(weights) - set(own)))[0]
            raise CheckpointError(f"weights do not fit this policy at {name!r}: use the checkpoint's own configuration")
        for name, tensor in own.items():
            given = torch.as_tensor(np.asarray(weights[name]))
            if isinstance(weights, HandedOver) and _takes(tensor, given):
                tensor.data = given
            else:
                tensor.copy_(given)


def _takes(tensor: Tensor, given: Tensor) -> bool:
    """Whether the tensor may lie in that memory: its kind, its order, and where torch itself would let it begin."""
    alike = given.dtype == tensor.dtype and given.device == tensor.device and given.stride() == tensor.stride()
    return alike and given.data_ptr() % ALIGNMENT == 0


def single(obs: Observation, names: list[str], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """The named features of one observation as a batch of one, each (1, ...); images and maps keep their type."""
    arrays = {n: np.array(obs[n]) for n in names}
    kept = {n: a if a.dtype in (np.uint8, np.float16) else a.astype(np.float32) for n, a in arrays.items()}
    return {n: torch.as_tensor(a[None], device=device) for n, a in kept.items()}
