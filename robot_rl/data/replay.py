"""Replay: a ring that stores each observation once and samples transitions and n-step returns from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.data.copying import Copier, row_addresses
from robot_rl.data.episode import Episode
from robot_rl.data.generator import State, generator_state, restore_generator
from robot_rl.data.layout import check_step
from robot_rl.data.returns import LAST, STEP, TABLE
from robot_rl.data.transitions import Batch, copy_transitions, empty_batch, returns_from


class Replay:
    """The newest rows of the episodes it was given; safe to fill from one thread and to sample from another.

    The next observation of a row is the next row of the same episode. A row is sampled once that is known: the newest
    row of an open episode, and the last row of an interrupted one, never are. A time-out keeps its discount.
    """

    def __init__(self, spec: Spec, capacity: int, seed: int) -> None:
        if capacity < 2:
            raise ConfigError(f"replay capacity is {capacity} rows: give at least 2")
        self.spec = spec
        self.capacity = capacity
        self.added = 0
        """Steps added since the start, forgotten ones included."""
        self._lock = threading.Lock()
        self._rng = np.random.default_rng(seed)
        self._obs = {k: np.empty((capacity, *f.shape), f.dtype) for k, f in spec.observation.items()}
        self._action = np.zeros((capacity, spec.action_dim), np.float32)
        self.table = np.zeros(capacity, TABLE)
        self._rows = {**self._obs, "action": self._action}
        self._copier = Copier()
        self._valid = np.zeros(capacity, np.int64)
        """Queue of the rows that can be sampled, oldest first: rows enter and leave in the order of the ring."""
        self._first = 0
        self._count = 0
        self._head = 0
        self._open = False
        self._ended = False

    def __len__(self) -> int:
        return self._count

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None:  # noqa: ARG002  (EpisodeSink)
        """Start an episode; one that is still open counts as interrupted."""
        self.end(None)

    def add(self, step: StepRecord) -> None:
        """Append one step; it can be sampled when the next one, or the end, has arrived."""
        check_step(self.spec, step)
        with self._lock:
            if self._ended:
                raise DatasetError("the step before ended its episode: call end() with the final observation first")
            row = self._append(step.obs)
            self._action[row] = step.action
            self.table[row] = (step.reward, step.terminated, LAST)
            self._open = True
            self._ended = step.terminated or step.truncated
            self.added += 1

    def end(self, final_obs: Observation | None) -> None:
        """Close the open episode. None: the result of its last step is not known, so that step is never sampled."""
        if final_obs is not None:
            self.spec.check(final_obs)
        with self._lock:
            if self._open and final_obs is not None:
                self.table[self._append(final_obs)] = (0.0, False, LAST)
            self._open = self._ended = False

    def extend(self, episode: Episode, augment: Callable[[Observation], Observation] | None = None) -> None:
        """Append a recorded episode; ``augment`` adds to each observation what a policy wants stored beside it."""
        complete = augment or (lambda obs: obs)
        self.begin(episode.meta)
        for t, step in enumerate(episode.steps()):
            obs = complete(episode.observation(t))
            self.add(replace(step, obs=obs))
        self.end(complete(episode.final_obs))

    def sample(self, batch: int, n_step: int = 1, gamma: float = 0.99, out: Batch | None = None) -> Batch:
        """Uniform random transitions.

        Args:
            batch: Number of transitions B.
            n_step: Rewards are summed over up to this many steps, fewer where the episode ends.
            gamma: Discount per step.
            out: A batch to overwrite and return; memory is allocated when there is none.

        Returns:
            Transitions with leading (B,); ``discount`` is gamma to the number of summed steps, 0 after a true end.
        """
        out = empty_batch(self.spec, batch) if out is None else out
        self.sample_into(out, np.arange(batch), n_step, gamma)
        return out

    def sample_into(self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        with self._lock:
            start = self._draw(len(at))
            copy_transitions(self, start, returns_from(self, start, n_step, gamma), out, at, self._copier)

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws beside the steps themselves, which the episode store keeps; JSON keeps it."""
        with self._lock:
            return {"generator": generator_state(self._rng), "added": self.added, "steps": self._count}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the replay of ``state`` did; equal draws need the same steps, forgotten ones apart, in order."""
        with self._lock:
            restore_generator(self._rng, state["generator"])

    def addresses(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the rows of a feature, or of ``action``, lie in memory."""
        return row_addresses(self._rows[name], rows)

    def _append(self, obs: Observation) -> int:
        """Write an observation over the oldest row; the row before it, if of the same episode, is complete now."""
        row = self._head
        if self._count and self._valid[self._first] == row:
            self._first = (self._first + 1) % self.capacity
            self._count -= 1
        for name, rows in self._obs.items():
            rows[row] = obs[name]
        if self._open:
            before = (row - 1) % self.capacity
            self.table[before]["kind"] = STEP
            self._valid[(self._first + self._count) % self.capacity] = before
            self._count += 1
        self._head = (row + 1) % self.capacity
        return row

    def _draw(self, batch: int) -> NDArray[np.int64]:
        if self._count == 0:
            raise DatasetError("the replay holds no complete step yet: add demonstrations, or wait for the actor")
        place = self._rng.integers(self._count, size=batch)
        return self._valid[(self._first + place) % self.capacity]
