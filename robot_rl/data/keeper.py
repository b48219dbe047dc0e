"""Keeps what a replay was given: closed episodes go to a dataset, and a restarted learner maps them from there."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robot_rl.core.errors import DatasetError, RobotRLError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.data.commit import remove
from robot_rl.data.dataset import open_dataset
from robot_rl.data.index import list_episodes
from robot_rl.data.layout import DATASET_FILE, STAGING, Layout
from robot_rl.data.loading.recorded import Slim, slim_episodes
from robot_rl.data.lock import lock
from robot_rl.data.recorder import EpisodeWriter

INDEXED: Final = 32
"""Episodes after which the dataset's index learns them, so that the next life need not."""
Facts = Mapping[str, str | int | float | bool]
WAITING: Final = 8
"""Episodes that may wait for the disk; then ``keep`` waits, too."""


@dataclass(frozen=True)
class _Closed:
    steps: Sequence[StepRecord]
    final_obs: Observation | None
    facts: Facts


class Keeper:
    """The one writer of a dataset of experience. A kill costs the episodes that were not yet announced as kept.

    What wants them again after a restart must have them elsewhere until then: the learner's log does.
    """

    def __init__(self, root: Path, spec: Spec, on_kept: Callable[[Facts], None] | None = None) -> None:
        """``on_kept`` gets the facts of each episode that is on the disk now, in the writer's thread."""
        self.root, self.spec = Path(root), spec
        self.error: RobotRLError | None = None
        """Why nothing is written any more, or None."""
        self._on_kept = on_kept or _ignore
        _forget_unfinished(self.root)
        self._writer = EpisodeWriter(self.root, spec, {"kind": "experience"})
        self._index, self._layout = open_dataset(self.root).index, Layout(spec)
        self._written = 0
        self._waiting: queue.Queue[_Closed | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def keep(self, steps: Sequence[StepRecord], final_obs: Observation | None, facts: Facts) -> None:
        """Hand over an episode that is over; ``final_obs`` None: the result of its last step is not known."""
        if self.error is not None:
            raise self.error
        self._waiting.put(_Closed(steps, final_obs, facts))

    def index(self) -> Sequence[Mapping[str, Any]]:
        """What is known of each episode that earlier lives kept, oldest first: ``meta`` holds its facts."""
        return self._index

    def load(self, entry: Mapping[str, Any]) -> Slim:
        """One of them, its large features mapped."""
        (episode,) = slim_episodes([entry], self._layout, self.spec)
        return episode

    def kept(self, newest: int) -> Iterator[Slim]:
        """What earlier lives kept, oldest first: the newest episodes that make up ``newest`` steps, or all."""
        steps, first = 0, len(self._index)
        while first > 0 and steps < newest:
            first -= 1
            steps += int(self._index[first]["steps"])
        return map(self.load, self._index[first:])

    def close(self) -> None:
        """Write what waits, then give the dataset back."""
        self._waiting.put(None)
        self._thread.join()
        self._writer.close()

    def _work(self) -> None:
        while (closed := self._waiting.get()) is not None:
            if self.error is None:
                try:
                    self._write(closed)
                    self._on_kept(closed.facts)
                except RobotRLError as error:
                    self.error = error
                except OSError as error:
                    self.error = DatasetError(f"{self.root}: cannot write ({error.strerror}): free space on that disk")

    def _write(self, closed: _Closed) -> None:
        self._writer.begin(closed.facts)
        for step in closed.steps:
            self._writer.add(step)
        self._writer.end(closed.final_obs)
        self._written += 1
        if self._written % INDEXED == 0:
            list_episodes(self.root)


def _forget_unfinished(root: Path) -> None:
    """Remove what a killed keeper left half written, and what others made of it since: its steps come again."""
    if (root / DATASET_FILE).exists():
        with lock(root):
            shutil.rmtree(root / STAGING, ignore_errors=True)
            for entry in list_episodes(root).entries:
                if "recovered" in entry:
                    remove(entry["path"])


def _ignore(facts: Facts) -> None:
    """Takes the place of a callback that was not given."""
