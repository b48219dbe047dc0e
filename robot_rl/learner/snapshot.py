"""A learner at one instant, copied in milliseconds and written to disk by a thread while training goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from robot_rl.core.errors import RobotRLError
from robot_rl.learner.protocol import Learner, Recipe, WeightedPolicy


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Copies of all that changes while a learner learns."""

    recipe: Recipe
    weights: dict[str, NDArray]
    """Of the policy."""
    tensors: dict[str, Tensor]
    """The learner's state."""
    base: WeightedPolicy | None
    """The policy under it, which never changes."""
    progress: dict[str, Any] = field(default_factory=dict)
    """What a run needs beside the learner to go on: the order of the experience, the draws. JSON keeps it."""


def take(learner: Learner, progress: dict[str, Any] | None = None, recipe: Recipe | None = None) -> Snapshot:
    """Copy a learner; this is all that training waits for."""
    policy = learner.policy
    return Snapshot(
        recipe=recipe or policy.recipe,
        weights=policy.weights(),
        tensors={k: v.detach().cpu().contiguous() for k, v in learner.state_dict().items()},
        base=policy.base,  # type: ignore[arg-type]
        progress=progress or {},
    )


class Scribe:
    """Writes one snapshot after the other in a thread of its own."""

    def __init__(self, write: Callable[[Path, Snapshot, dict[str, int]], None]) -> None:
        """``write`` puts a snapshot and counters into a folder, whole or not at all."""
        self._write = write
        self._thread: threading.Thread | None = None
        self._error: RobotRLError | OSError | None = None
        self.pause = 0.0
        """Time for which training stood still for the newest snapshot [s]."""
        self.longest_pause = 0.0
        """And for the worst of them [s]."""

    @property
    def busy(self) -> bool:
        """Whether a snapshot is still on its way to the disk."""
        return self._thread is not None and self._thread.is_alive()

    def save(self, path: Path, snapshot: Callable[[], Snapshot], counts: dict[str, int]) -> None:
        """Copy now, write later. The one before must be on the disk: look at ``busy`` where waiting would hurt."""
        self.wait()
        began = time.perf_counter()
        copied = snapshot()
        self.pause = time.perf_counter() - began
        self.longest_pause = max(self.longest_pause, self.pause)
        self._thread = threading.Thread(target=self._work, args=(path, copied, counts), name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Return when all is on the disk; an error of the thread is raised here."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _work(self, path: Path, snapshot: Snapshot, counts: dict[str, int]) -> None:
        try:
            self._write(path, snapshot, counts)
        except (RobotRLError, OSError) as error:
            self._error = error
