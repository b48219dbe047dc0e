"""Memory that waits for a learner's next snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from robot_rl.learner.protocol import Learner
from robot_rl.nets.state import copied_by

LARGE = 1 << 16
"""Tensors from this size on are copied beside the learner's next forward and backward pass [bytes]."""


class Room:
    """A tensor for each of a learner and its policy, whose pages have been touched; for one snapshot at a time."""

    def __init__(self) -> None:
        self.beside = True
        """Whether large tensors on the CPU are left to ``finish``."""
        self._tensors: dict[str, Tensor] = {}
        self._lacking: dict[str, Tensor] = {}
        self._later: list[tuple[Tensor, Tensor, int]] = []
        self._device: torch.device | None = None

    def enough(self, learner: Learner) -> bool:
        """Whether all of a learner has its place; copies nothing."""
        self._lacking = {}
        with copied_by(self._look):
            learner.state_dict()
            learner.policy.weights()
        return not self._lacking

    def make(self) -> None:
        """Make what was lacking. It may take a while; any thread may do it while nobody takes a snapshot."""
        for name, tensor in self._lacking.items():
            pinned = tensor.device.type == "cuda"
            self._tensors[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=pinned).zero_()
        self._lacking = {}

    @contextmanager
    def used(self) -> Iterator[None]:
        """Within it copies of a learner's state lie here, as far as there is place; the large ones after ``finish``."""
        self._later = []
        try:
            with copied_by(self._copy):
                yield
        finally:
            if self._device is not None:
                torch.cuda.synchronize(self._device)
                self._device = None

    @property
    def unfinished(self) -> bool:
        """Whether there is something left for ``finish``."""
        return bool(self._later)

    def finish(self) -> bool:
        """Copy what was left; any thread may do it, while no optimiser makes a step.

        Returns:
            Whether nothing of it was changed in another way since ``used``: torch counts what is done in place.
        """
        later, self._later = self._later, []
        for place, tensor, _ in later:
            place.copy_(tensor)
        return all(tensor._version == version for _, tensor, version in later)

    def _copy(self, name: str, tensor: Tensor) -> Tensor:
        place = self._tensors.get(name)
        if place is None or not _fits(tensor, place):
            return tensor.to("cpu", copy=True)
        if tensor.device.type == "cuda":
            self._device = tensor.device
        elif self.beside and tensor.nbytes >= LARGE:
            self._later.append((place, tensor, tensor._version))
            return place
        return place.copy_(tensor, non_blocking=True)

    def _look(self, name: str, tensor: Tensor) -> Tensor:
        place = self._tensors.get(name)
        if place is None or not _fits(tensor, place):
            self._lacking[name] = tensor
        return tensor


def _fits(tensor: Tensor, place: Tensor) -> bool:
    return tensor.shape == place.shape and tensor.dtype == place.dtype
