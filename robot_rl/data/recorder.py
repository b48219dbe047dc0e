"""Records episodes to a dataset on disk. A kill at any moment costs only the rows that were not yet written."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from numpy.typing import ArrayLike

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.data import dataset
from robot_rl.data.commit import OUTCOMES, Facts, publish, remove, scan
from robot_rl.data.edit import Editor
from robot_rl.data.files import guard
from robot_rl.data.layout import DATASET_FILE, STAGING, Layout, Meta, check_step
from robot_rl.data.lock import lock
from robot_rl.data.provenance import provenance
from robot_rl.data.recovery import highest_number, recover_locked
from robot_rl.data.staging import Buffer, StagedEpisode


class EpisodeWriter:
    """The one recorder of a dataset: ``begin``, ``add`` for every step, ``end`` or ``discard``, and again.

    Makes the dataset when there is none, recovers what a killed recorder left in it, and holds its lock until
    ``close`` (or the end of the process). ``add`` does not wait for the disk, ``end`` returns when all is on it.
    """

    def __init__(self, root: Path, spec: Spec, meta: Meta | None = None) -> None:
        self.root = Path(root)
        self.spec = spec
        self.last: Path | None = None
        """Folder of the episode committed last."""
        self._layout = Layout(spec)
        self._episode: StagedEpisode | None = None
        if (self.root / DATASET_FILE).exists():
            dataset.check_spec(self.root, spec)
        else:
            dataset.create(self.root, spec, meta or {})
        self._lock = lock(self.root)
        self.recovered = recover_locked(self.root, self._layout)
        """What became of the episodes that a killed recorder had left open."""
        self._meta: Meta = {}
        self._buffer = Buffer(self._layout)
        provenance()

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def committed(self) -> int:
        """Rows of the open episode that a kill can no longer take away."""
        return 0 if self._episode is None else self._episode.committed

    def begin(self, meta: Meta) -> None:
        """Open an episode; one that is still open is committed as interrupted.

        Args:
            meta: What is known of it: task, operator, seed, ``instruction`` (what the robot is to do, in natural
                language), notes, configuration.
        """
        self.end(None)
        folder = self.root / STAGING / str(uuid.uuid4())
        self._meta = dict(meta)
        self._episode = StagedEpisode(folder, self._layout, self._meta, self._buffer)

    def annotate(self, meta: Meta) -> None:
        """Add to what is known of the open episode; ``outcome`` overrides what its last step says.

        Returns when it is on the disk: call it between episodes or before ``end``, not from the control loop.
        """
        if self._episode is None:
            raise DatasetError("no episode is open: call annotate() between begin() and end()")
        if meta.get("outcome", "unlabeled") not in OUTCOMES:
            raise DatasetError(f"an episode's outcome is one of {', '.join(OUTCOMES)}, not {meta['outcome']!r}")
        self._meta = {**self._meta, **meta}
        with guard(self.root):
            self._episode.annotate(self._meta)

    def add(self, step: StepRecord) -> None:
        """Hand over one step; ``SpecError`` if it does not look as the spec says."""
        if self._episode is None:
            raise DatasetError("no episode is open: call begin() before add()")
        check_step(self.spec, step)
        self._episode.add(step)

    def stream(self, name: str, stamp: float, value: ArrayLike) -> None:
        """Add a sample to a signal that is faster than the steps (joint states, a wrench); none between episodes.

        It is written at once: call it from the thread that reads the sensor, not from the control loop.

        Args:
            name: Which signal.
            stamp: When it was measured, on the clock of the steps' stamps [s].
            value: A number or an array, of the same shape and type every time.
        """
        if self._episode is not None:
            self._episode.streams.add(name, stamp, value)

    def end(self, final_obs: Observation | None) -> None:
        """Commit the open episode. None: the result of its last step is not known, so that step is left out."""
        if self._episode is None:
            return
        if final_obs is not None:
            self.spec.check(final_obs)
            self._episode.add_final(final_obs)
        episode, self._episode = self._episode, None
        digests = episode.close()
        try:
            staged = scan(episode.folder, self._layout, check=False)
            path = publish(
                self.root,
                episode.folder,
                self._layout,
                staged,
                Facts(highest_number(self.root) + 1, digests, {"provenance": provenance()}),
            )
        except OSError as error:
            raise DatasetError(f"{self.root}: cannot write ({error.strerror}); free space, open again") from None
        if path is not None:
            self.last = path

    def editor(self) -> Editor:
        """Changes to what was recorded, while this recorder holds the dataset."""
        return Editor(self.root, self._lock)

    def discard(self) -> None:
        """Forget the open episode."""
        if self._episode is not None:
            episode, self._episode = self._episode, None
            with contextlib.suppress(DatasetError):  # a full disk is no reason to keep it
                episode.close()
            remove(episode.folder)

    def close(self) -> None:
        """Commit an open episode as interrupted and give the dataset back."""
        if not self._lock.closed:
            try:
                self.end(None)
            finally:
                self._lock.close()
