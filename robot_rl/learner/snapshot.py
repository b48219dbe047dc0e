"""A learner at one instant, copied in milliseconds and written to disk by a thread while training goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from robot_rl.learner.protocol import Learner, Recipe, WeightedPolicy
from robot_rl.learner.room import Room


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
    """Copies a learner into memory that is there already, and writes one copy after the other in a thread of its own.

    Memory that is new costs more than the copy: the system clears it page by page when it is first written to. The
    thread also copies what is large, while the learner computes its next gradient; the step of its optimiser waits for
    the end of that, so that all is of one instant. Where a learner changes something before, the copy is thrown away
    and ``torn`` is set; from then on nothing is left to the thread.
    """

    def __init__(self, write: Callable[[Path, Snapshot, dict[str, int]], None]) -> None:
        """``write`` puts a snapshot and counters into a folder, whole or not at all."""
        self._write = write
        self._room = Room()
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._work: Future[None] | None = None
        self._copied = threading.Event()
        self._copied.set()
        self._hook: RemovableHandle | None = None
        self.pause = 0.0
        """Time for which training stood still for the newest snapshot [s]."""
        self.longest_pause = 0.0
        """And for the worst of them [s]."""
        self.torn = False
        """Whether the newest snapshot was thrown away: take another one."""

    @property
    def busy(self) -> bool:
        """Whether the thread is still at work."""
        return self._work is not None and not self._work.done()

    def ready(self, learner: Learner) -> bool:
        """Whether a snapshot would find its memory now; if not, the thread makes it, and is busy until then.

        A learner grows in its first updates, when its optimisers make their moments.
        """
        if self.busy:
            return False
        self.wait()
        if self._room.enough(learner):
            return True
        self._work = self._thread.submit(self._room.make)
        return False

    def save(self, path: Path, snapshot: Callable[[], Snapshot], counts: dict[str, int]) -> None:
        """Copy now, write later. The one before must be on the disk: look at ``busy`` where waiting would hurt."""
        self.wait()
        began = time.perf_counter()
        with self._room.used():
            taken = snapshot()
        self.torn = False
        if self._room.unfinished:
            self._copied.clear()
            self._hook = register_optimizer_step_pre_hook(self._hold)
        self._work = self._thread.submit(self._finish, path, taken, counts)
        self._paused(time.perf_counter() - began)

    def wait(self) -> None:
        """Return when all is on the disk; an error of the thread is raised here."""
        if self._work is not None:
            work, self._work = self._work, None
            work.result()
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def _finish(self, path: Path, snapshot: Snapshot, counts: dict[str, int]) -> None:
        try:
            whole = self._room.finish()
        finally:
            self._copied.set()
        self.torn = not whole
        if whole:
            self._write(path, snapshot, counts)
        else:
            self._room.beside = False

    def _hold(self, *_: object) -> None:
        """Called before every step of an optimiser."""
        if not self._copied.is_set():
            began = time.perf_counter()
            self._copied.wait()
            self._paused(self.pause + time.perf_counter() - began)

    def _paused(self, pause: float) -> None:
        self.pause = pause
        self.longest_pause = max(self.longest_pause, pause)
