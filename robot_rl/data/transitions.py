"""Batches of transitions, copied from any store of rows: the ring of a replay, or episodes on disk."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Transition
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.copying import LINE
from robot_rl.data.generator import State
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.windows import Window, Windows
from robot_rl.data.returns import RETURN, n_step_returns

Batch = Transition[NDArray]
"""A batch of transitions: every array with a leading (B,)."""


class Store(Protocol):
    """Rows of observations and actions, each observation once; the row after a step holds its next observation."""

    spec: Spec
    table: NDArray[np.void]
    """What is known of each row, (N,) TABLE."""

    def addresses(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the rows of a feature, or of ``action``, lie in memory."""
        ...


class Source(Protocol):
    """What a mixture samples from."""

    spec: Spec

    def __len__(self) -> int: ...

    def sample_into(
        self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        ...

    def windows_into(
        self, out: Windows, at: NDArray[np.int64], window: Window, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random windows to the rows ``at`` of ``out``."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws; JSON keeps it."""
        ...

    def load_state_dict(self, state: State) -> None: ...


def empty_batch(spec: Spec, batch: int, augmentation: Augmentation | None = None) -> Batch:
    """Memory for ``batch`` transitions, their images as large as ``augmentation`` cuts them."""
    features = spec.observation if augmentation is None else augmentation.applied(spec).observation
    obs, next_obs = ({k: empty_rows(batch, f) for k, f in features.items()} for _ in ("obs", "next_obs"))
    action = np.empty((batch, spec.action_dim), np.float32)
    reward, discount = np.empty(batch, np.float32), np.empty(batch, np.float32)
    return Transition(obs=obs, action=action, reward=reward, discount=discount, next_obs=next_obs)


def sample(
    self: Source,
    batch: int,
    n_step: int = 1,
    gamma: float = 0.99,
    out: Batch | None = None,
    augmentation: Augmentation | None = None,
) -> Batch:
    """Random transitions of a source; the method ``sample`` of those that have one.

    Args:
        self: What they are drawn from.
        batch: Number of transitions B.
        n_step: Rewards are summed over up to this many steps, fewer where the episode ends.
        gamma: Discount per step.
        out: A batch to overwrite and return; memory is allocated when there is none.
        augmentation: Of the images on their way; observation and next one have draws of their own.

    Returns:
        Transitions with leading (B,); ``discount`` is gamma to the number of summed steps, 0 after a true end.
    """
    out = empty_batch(self.spec, batch, augmentation) if out is None else out
    self.sample_into(out, np.arange(batch), n_step, gamma, augmentation)
    return out


def returns_from(store: Store, start: NDArray[np.int64], n_step: int, gamma: float) -> NDArray[np.void]:
    """The n-step returns from the given rows, (B,) RETURN."""
    returns = np.empty(len(start), RETURN)
    n_step_returns(store.table, start, n_step, gamma, returns)
    return returns


def empty_rows(count: int, feature: Feature) -> NDArray:
    """Memory for ``count`` rows that begins with a cache line, so that rows can go past the cache."""
    dtype = np.dtype(feature.dtype)
    shape = (count, *feature.shape)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + size].view(dtype).reshape(shape)
