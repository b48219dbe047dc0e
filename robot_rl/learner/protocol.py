"""What a method is to the rest: a learner that turns batches into weights, and a policy that loads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robot_rl.core.protocols import Policy
from robot_rl.core.records import Transition
from robot_rl.core.spec import Spec
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.transitions import Batch, Source, sample


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What a learner wants to be given per update."""

    batch_size: int = 256
    n_step: int = 1
    """Rewards summed per transition; the discount is gamma^n."""
    gamma: float = 0.99
    chunk: int = 0
    """Positive: batches of action chunks of this length for imitation (``chunk_batch``), and no transitions."""
    demo_ratio: float = 0.0
    """Share of each batch that comes from demonstrations."""
    utd: float = 1.0
    """Updates per environment step that the method was tuned for."""
    learning_starts: int = 0
    """Environment steps to collect before the first update."""
    shift: int = 0
    """Largest random shift of the images [pixels]; an observation and its next one have draws of their own."""

    @property
    def augmentation(self) -> Augmentation | None:
        """Of the images on their way into a batch: DrQ's shift, all cameras of a sample alike."""
        return Augmentation(shift=self.shift, together=True) if self.shift else None

    def draw(self, source: Source, out: Batch | None = None) -> Batch:
        """A batch of transitions to update from, in ``out`` if it is given."""
        return sample(source, self.batch_size, self.n_step, self.gamma, out, self.augmentation)


@dataclass(frozen=True)
class Recipe:
    """How a policy is built again: what a checkpoint stores beside the weights."""

    method: str
    config: Any
    """The method's ``Config``."""
    spec: Spec
    """Of the task, before ``augment``."""


class WeightedPolicy(Policy, Protocol):
    """A policy whose weights come from a learner."""

    recipe: Recipe
    base: Policy | None
    """The frozen policy under it, if any."""

    def weights(self) -> dict[str, NDArray]:
        """All that an actor must load, as copies."""
        ...

    def load_weights(self, weights: Mapping[str, NDArray]) -> None:
        """Adopt them, between two control steps; ``CheckpointError`` when they do not fit."""
        ...


class Learner(Protocol):
    """Updates a policy from batches."""

    policy: WeightedPolicy
    spec: Spec
    """What its replay stores: the task's vectors and what ``policy.augment`` adds."""
    sampling: Sampling

    def update(self, batch: Transition[Tensor]) -> dict[str, float]:
        """One gradient update; returns metrics, often empty because reading them costs time."""
        ...

    def weights(self) -> dict[str, NDArray]:
        """What an actor must load."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on as if never stopped: networks, targets, optimisers, counters, generator."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None: ...


def to_torch(batch: Transition[NDArray], device: str = "cpu") -> Transition[Tensor]:
    """The same batch as tensors (sharing memory on the CPU), floats as float32."""

    def convert(array: NDArray) -> Tensor:
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)

    return Transition(
        obs={k: convert(v) for k, v in batch.obs.items()},
        action=convert(batch.action),
        reward=convert(batch.reward),
        discount=convert(batch.discount),
        next_obs={k: convert(v) for k, v in batch.next_obs.items()},
    )


def chunk_batch(obs: Mapping[str, NDArray], action: NDArray, mask: NDArray) -> Transition[NDArray]:
    """A batch of chunks as a transition: action (B, H, A), discount = mask (B, H), 1 inside the episode."""
    mask = mask.astype(np.float32)
    return Transition(obs=obs, action=action, reward=np.zeros_like(mask), discount=mask, next_obs=obs)
