"""Batches of transitions, copied from any store of rows: the ring of a replay, or episodes on disk."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Transition
from robot_rl.core.spec import Spec
from robot_rl.data.copying import Copier, Rows
from robot_rl.data.generator import State
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

    def sample_into(self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws; JSON keeps it."""
        ...

    def load_state_dict(self, state: State) -> None: ...


def empty_batch(spec: Spec, batch: int) -> Batch:
    """Memory for ``batch`` transitions."""
    obs, next_obs = (
        {k: np.empty((batch, *f.shape), f.dtype) for k, f in spec.observation.items()} for _ in ("obs", "next_obs")
    )
    action = np.empty((batch, spec.action_dim), np.float32)
    reward, discount = np.empty(batch, np.float32), np.empty(batch, np.float32)
    return Transition(obs=obs, action=action, reward=reward, discount=discount, next_obs=next_obs)


def returns_from(store: Store, start: NDArray[np.int64], n_step: int, gamma: float) -> NDArray[np.void]:
    """The n-step returns from the given rows, (B,) RETURN."""
    returns = np.empty(len(start), RETURN)
    n_step_returns(store.table, start, n_step, gamma, returns)
    return returns


def copy_transitions(
    store: Store, start: NDArray[np.int64], returns: NDArray[np.void], out: Batch, at: NDArray[np.int64], copier: Copier
) -> None:
    """Write the transitions from rows ``start``, (B,), with their ``returns``, to the rows ``at`` of ``out``."""
    following = returns["next"].copy()
    jobs = [Rows(store.addresses("action", start), out.action, at)]
    for name in store.spec.observation:
        jobs.append(Rows(store.addresses(name, start), out.obs[name], at))
        jobs.append(Rows(store.addresses(name, following), out.next_obs[name], at))
    copier.copy(jobs)
    out.reward[at] = returns["reward"]
    out.discount[at] = returns["discount"]
