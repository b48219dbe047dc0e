"""A learner's batches on its device: shared memory on the CPU; on a GPU the next is copied while this one is learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import cycle
from typing import Any

import torch
from torch import Tensor

from robot_rl.core.records import Transition
from robot_rl.core.spec import Spec
from robot_rl.data.transitions import Batch, empty_batch
from robot_rl.learner.protocol import Learner, to_torch

Draw = Callable[[Batch], object]
"""Overwrites a batch with random transitions."""


class Batches:
    """Memory for one batch, or on a GPU for two in pinned memory.

    On a GPU a batch is drawn one update ahead, while the update before is computed: images travel as uint8, on a
    stream of their own. On the CPU it is drawn when it is asked for, so that equal draws see equal experience.
    """

    def __init__(self, spec: Spec, size: int, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type != "cuda":
            self._host = empty_batch(spec, size)
            self._tensors = to_torch(self._host)
            return
        self._pinned = cycle([_Pinned(spec, size), _Pinned(spec, size)])
        self._stream = torch.cuda.Stream(self.device)
        self._ahead: tuple[Transition[Tensor], torch.cuda.Event] | None = None

    def next(self, draw: Draw) -> Transition[Tensor]:
        """The batch to learn from now."""
        if self.device.type != "cuda":
            draw(self._host)
            return self._tensors
        batch, copied = self._ahead or self._send(draw)
        self._ahead = None
        current = torch.cuda.current_stream(self.device)
        current.wait_event(copied)
        mapped(batch, lambda tensor: tensor.record_stream(current))
        return batch

    def prefetch(self, draw: Draw) -> None:
        """Draw the next one now, while a GPU computes; nothing on the CPU."""
        if self.device.type == "cuda" and self._ahead is None:
            self._ahead = self._send(draw)

    def _send(self, draw: Draw) -> tuple[Transition[Tensor], torch.cuda.Event]:
        pinned = next(self._pinned)
        pinned.copied.synchronize()
        draw(pinned.rows)
        with torch.cuda.stream(self._stream):
            batch = mapped(pinned.tensors, lambda tensor: tensor.to(self.device, non_blocking=True))
            pinned.copied.record(self._stream)
        return batch, pinned.copied


class _Pinned:
    def __init__(self, spec: Spec, size: int) -> None:
        self.tensors = mapped(to_torch(empty_batch(spec, size)), lambda tensor: tensor.pin_memory())
        self.rows: Batch = mapped(self.tensors, lambda tensor: tensor.numpy())
        """The same memory."""
        self.copied = torch.cuda.Event()


def mapped(batch: Transition[Any], change: Callable[[Any], Any]) -> Transition[Any]:
    """The batch with every array changed."""

    def one(value: Any) -> Any:  # noqa: ANN401
        return {k: change(v) for k, v in value.items()} if isinstance(value, Mapping) else change(value)

    return Transition(**{f.name: one(getattr(batch, f.name)) for f in fields(batch)})


def device_of(learner: Learner) -> str:
    """Where a learner wants its batches."""
    return getattr(learner.policy.recipe.config, "device", "cpu")
