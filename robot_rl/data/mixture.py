"""Batches mixed from experience and demonstrations (RLPD, Ball et al. 2023, symmetric sampling)."""

from __future__ import annotations

from typing import Any

import numpy as np

from robot_rl.core.errors import CheckpointError, ConfigError, SpecError
from robot_rl.data.generator import State
from robot_rl.data.transitions import Batch, Source, empty_batch


class Mixture:
    """Samples ``demo_ratio`` of each batch from demonstrations, interleaved: every part of a batch has the same mix."""

    def __init__(self, online: Source, demos: Source | None, demo_ratio: float) -> None:
        if not 0.0 <= demo_ratio <= 1.0:
            raise ConfigError(f"demo_ratio is {demo_ratio}: give a number from 0 to 1")
        if demos is not None and demos.spec != online.spec:
            raise SpecError("the demonstrations and the experience have different specs: use the same task and station")
        self.online = online
        self.demos = demos
        self.demo_ratio = demo_ratio

    def __len__(self) -> int:
        return len(self.online) + (0 if self.demos is None else len(self.demos))

    def sample(self, batch: int, n_step: int = 1, gamma: float = 0.99, out: Batch | None = None) -> Batch:
        """As ``Replay.sample``; all from one source while the other holds nothing."""
        out = empty_batch(self.online.spec, batch) if out is None else out
        places = np.arange(batch)
        from_demos = self._from_demos(places)
        for source, at in ((self.demos, places[from_demos]), (self.online, places[~from_demos])):
            if source is not None and len(at):
                source.sample_into(out, at, n_step, gamma)
        return out

    def state_dict(self) -> dict[str, Any]:
        """What decides the next draws of both sides; JSON keeps it."""
        return {"online": self.online.state_dict(), "demos": None if self.demos is None else self.demos.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Draw on as the mixture of ``state`` did."""
        if (state["demos"] is None) != (self.demos is None):
            raise CheckpointError("demonstrations are given now or were given before, not both: give the same ones")
        self.online.load_state_dict(state["online"])
        if self.demos is not None:
            self.demos.load_state_dict(state["demos"])

    def _from_demos(self, places: np.ndarray) -> np.ndarray:
        if self.demos is None or len(self.demos) == 0:
            return np.zeros(len(places), np.bool_)
        if len(self.online) == 0:
            return np.ones(len(places), np.bool_)
        share = self.demo_ratio + 1e-9
        return np.floor((places + 1) * share) > np.floor(places * share)
