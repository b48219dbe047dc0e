"""Takes chosen rows of a store into a batch: transitions or windows, copied at once, images augmented on the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import IMAGES
from robot_rl.data.copying import Copier, Job, Rows
from robot_rl.data.loading.augment import Augmentation, Cuts
from robot_rl.data.loading.windows import Window, Windows, action_rows, observation_rows
from robot_rl.data.transitions import Batch, Store

Drawn = tuple[NDArray[np.int64], NDArray[np.void]]
"""Rows (B,) that transitions begin at, and their returns (B,) RETURN."""


class Gather:
    """Copies from one store; ``rng`` draws how images are augmented, the same whatever the number of threads."""

    def __init__(self, store: Store, rng: np.random.Generator, threads: int = 0) -> None:
        self._store = store
        self._rng = rng
        self._copier = Copier(threads)

    def transitions(
        self, drawn: Drawn, out: Batch, at: NDArray[np.int64], augmentation: Augmentation | None = None
    ) -> None:
        """Write transitions to the rows ``at`` of ``out``; observation and next one have augmentations of their own."""
        start, returns = drawn
        following = np.ascontiguousarray(returns["next"])
        observed = {name: rows[:, None] for name, rows in out.obs.items()}
        followed = {name: rows[:, None] for name, rows in out.next_obs.items()}
        jobs = self._observations(start[:, None], observed, at, augmentation)
        jobs += self._observations(following[:, None], followed, at, augmentation)
        self._copier.copy([*jobs, Rows(self._store.addresses("action", start), out.action, at)])
        out.reward[at] = returns["reward"]
        out.discount[at] = returns["discount"]

    def windows(
        self,
        row: NDArray[np.int64],
        out: Windows,
        at: NDArray[np.int64],
        window: Window,
        augmentation: Augmentation | None = None,
    ) -> None:
        """Write the windows at ``row``, (B,), to the rows ``at`` of ``out``; the images of one window move together."""
        out.row[at] = row
        where, out.obs_mask[at] = observation_rows(self._store.table, row, window)
        chunk, out.action_mask[at] = action_rows(self._store.table, row, window)
        jobs = self._observations(where, out.obs, at, augmentation)
        addresses = self._store.addresses("action", chunk.reshape(-1))
        self._copier.copy([*jobs, Rows(addresses, _flat("action", out.action), _places(at, window.horizon))])

    def _observations(
        self,
        rows: NDArray[np.int64],
        targets: Mapping[str, NDArray],
        at: NDArray[np.int64],
        augmentation: Augmentation | None,
    ) -> list[Job]:
        """Jobs that copy the observations at ``rows``, (B, history), to ``targets``, name -> (N, history, ...)."""
        history, features = rows.shape[1], self._store.spec.observation
        shapes = {name: features[name].shape for name in targets if name.startswith(IMAGES)}
        draws = {} if augmentation is None else augmentation.draw_all(self._rng, shapes, len(rows))
        places = _places(at, history)
        jobs: list[Job] = []
        for name, target in targets.items():
            address, flat = self._store.addresses(name, rows.reshape(-1)), _flat(name, target)
            if augmentation is not None and name in draws:
                _check_size(name, flat, augmentation.cut(shapes[name]))
                jobs.append(Cuts(address, shapes[name], flat, places, draws[name].repeat(history)))
            else:
                _check_size(name, flat, features[name].shape)
                jobs.append(Rows(address, flat, places))
        return jobs


def _places(at: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return at if count == 1 else (at[:, None] * count + np.arange(count)).reshape(-1)


def _flat(name: str, target: NDArray) -> NDArray:
    """The same memory with its first two axes as one."""
    if not target.flags.c_contiguous:
        raise ConfigError(f"{name} of a batch to write into is not contiguous: take the batch from empty_batch()")
    return target.reshape(-1, *target.shape[2:])


def _check_size(name: str, target: NDArray, shape: tuple[int, ...]) -> None:
    if target.shape[1 : 1 + len(shape)] != shape:
        got = target.shape[1:]
        raise ConfigError(f"{name} of the batch is {got}, wanted {shape}: make it with the same augmentation")
