"""Replay: a ring that stores each observation once and samples transitions, n-step returns and windows from it."""

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
from robot_rl.data.episode import Episode
from robot_rl.data.gather import Gather
from robot_rl.data.generator import State, generator_state, restore_generator
from robot_rl.data.layout import check_step
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.recorded import Recorded
from robot_rl.data.loading.windows import Window, Windows, empty_windows
from robot_rl.data.ring import Ring, RowQueue
from robot_rl.data.transitions import Batch, returns_from, sample


class Drawing:
    """Draws from some of the rows of a ring, every one alike; a source for mixtures."""

    sample = sample

    def __init__(self, ring: Ring, lock: threading.Lock, rows: RowQueue, seed: int) -> None:
        self.spec = ring.spec
        self.ring = ring
        self.lock = lock
        """Held while the ring is read or written."""
        self._rows = rows
        self._rng = np.random.default_rng(seed)
        self._gather = Gather(ring, self._rng)

    def __len__(self) -> int:
        """Steps that can be sampled."""
        return len(self._rows)

    def sample_into(
        self, out: Batch, at: NDArray[np.int64], n_step: int, gamma: float, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random transitions to the rows ``at`` of ``out``."""
        with self.lock:
            start = self._rows.draw(self._rng, len(at))
            drawn = start, returns_from(self.ring, start, n_step, gamma)
            self._gather.transitions(drawn, out, at, augmentation)

    def windows_into(
        self, out: Windows, at: NDArray[np.int64], window: Window, augmentation: Augmentation | None = None
    ) -> None:
        """Write ``len(at)`` random windows to the rows ``at`` of ``out``."""
        with self.lock:
            self._gather.windows(self._rows.draw(self._rng, len(at)), out, at, window, augmentation)

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws beside the steps themselves, which the episode store keeps; JSON keeps it.

        Equal draws need the same steps, forgotten ones apart, in the same order.
        """
        with self.lock:
            return {"generator": generator_state(self._rng), "steps": len(self._rows)}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the one of ``state`` did."""
        with self.lock:
            restore_generator(self._rng, state["generator"])


class Replay(Drawing):
    """The newest rows of the episodes it was given; safe to fill from one thread and to sample from another.

    The next observation of a row is the next row of the same episode. A row is sampled once that is known: the newest
    row of an open episode, and the last row of an interrupted one, never are. A time-out keeps its discount.
    """

    def __init__(self, spec: Spec, capacity: int, seed: int) -> None:
        if capacity < 2:
            raise ConfigError(f"replay capacity is {capacity} rows: give at least 2")
        ring = Ring(spec, capacity)
        super().__init__(ring, threading.Lock(), ring.steps, seed)
        self.capacity = capacity
        self.added = 0
        """Steps added since the start, forgotten ones included; of those attached, the ones whose result is known."""
        self._open = False
        self._ended = False

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None:  # noqa: ARG002  (EpisodeSink)
        """Start an episode; one that is still open counts as interrupted."""
        self.end(None)

    def add(self, step: StepRecord) -> None:
        """Append one step; it can be sampled when the next one, or the end, has arrived."""
        check_step(self.spec, step)
        with self.lock:
            if self._ended:
                raise DatasetError("the step before ended its episode: call end() with the final observation first")
            self.ring.append(step.obs, step, follows=self._open)
            self._open = True
            self._ended = step.terminated or step.truncated
            self.added += 1

    def end(self, final_obs: Observation | None) -> None:
        """Close the open episode. None: the result of its last step is not known, so that step is never sampled."""
        if final_obs is not None:
            self.spec.check(final_obs)
        with self.lock:
            if self._open and final_obs is not None:
                self.ring.append(final_obs, None, follows=True)
            self._open = self._ended = False

    def extend(self, episode: Episode, augment: Callable[[Observation], Observation] | None = None) -> None:
        """Append a recorded episode; ``augment`` adds to each observation what a policy wants stored beside it."""
        complete = augment or (lambda obs: obs)
        self.begin(episode.meta)
        for t, step in enumerate(episode.steps()):
            obs = complete(episode.observation(t))
            self.add(replace(step, obs=obs))
        self.end(complete(episode.final_obs))

    def attach(self, episode: Recorded, start: int = 0, stop: int | None = None) -> None:
        """As ``extend``, but images and other large features stay on disk, mapped: nothing is read for them.

        ``start`` and ``stop`` choose among the rows of its observations; the result of the last one is not known.
        """
        stop = len(episode.action) + 1 if stop is None else stop
        self.end(None)
        with self.lock:
            self.added += self.ring.attach(episode, start, stop) if stop > start else 0

    def windows(self, batch: int, window: Window, augmentation: Augmentation | None = None) -> Windows:
        """Windows around uniform random steps."""
        out = empty_windows(self.spec if augmentation is None else augmentation.applied(self.spec), window, batch)
        self.windows_into(out, np.arange(batch), window, augmentation)
        return out

    def corrections(self, seed: int) -> Drawing:
        """The steps in which a person had the arm, seen as demonstrations: nothing is stored twice for them."""
        return Drawing(self.ring, self.lock, self.ring.corrections, seed)
