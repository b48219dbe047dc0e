"""Dumps the black box when the arm changes its phase or mode: soon after, seldom, and no more than a disk can take.

It looks at the box alone, and so works beside the arm's process (``keeper``): a minute takes long to write.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from controllers.black_box.recorder import Recorder
from controllers.black_box.rig_file import RigFile
from controllers.black_box.ring import EVENTS, ROWS
from controllers.guard.lifecycle import REMEDIES, Phase, Reason
from robot_rl.core.records import Mode

LOG = logging.getLogger("arm")
AFTER = 0.3
"""Time that is still recorded after a change [s]."""
BETWEEN = 2.0
"""Shortest time between two dumps [s]; changes within it share one."""
SHORT, LONG = 5.0, 60.0
"""What is dumped of an everyday change, and of a grave one [s]."""
GRAVE = (Phase.DAMP, Phase.FAULT, Phase.STOPPED)
MARGIN = 20
"""Rows before which a copy is whole: the loop may be writing over the next ones [ticks]."""
KEEP = {SHORT: 20, LONG: 6}
"""How many dumps of each kind stay; the oldest go."""


class LateReader(Recorder):
    """A black box seen from another process, which the system may hold up in the middle of a copy."""

    def copy(self, seconds: float, period: float) -> dict[str, np.ndarray]:
        """As of any box, less what the loop wrote over meanwhile."""
        return whole_rows(super().copy(seconds, period), self._oldest())

    def _oldest(self) -> int:
        """The tick before which no row can be relied on by now."""
        count = int(self.box.counts[ROWS])
        return int(self.box.rows["tick"][(count + MARGIN) % self.ticks]) if count > self.ticks - MARGIN else 0


def whole_rows(copy: dict[str, np.ndarray], oldest: int) -> dict[str, np.ndarray]:
    """A copy of a box from its first snapshot on after which no row is older than the tick ``oldest``."""
    if not (copy["rows"]["tick"] < oldest).any():
        return copy
    start = int(np.searchsorted(copy["moments"]["tick"], oldest - 1))
    since = copy["moments"]["tick"][start] if start < len(copy["moments"]) else oldest - 1
    out = copy | {name: copy[name][start:] for name in ("moments", "configs", "states", "guards")}
    return out | {"rows": copy["rows"][copy["rows"]["tick"] > since]}


class Archive:
    """Watches one black box; ``poll`` is called now and then, where nothing waits for it.

    Args:
        recorder: The black box.
        rig: What belongs to it; several arms may share its folder, and share what stays there.
    """

    def __init__(self, recorder: Recorder, rig: RigFile) -> None:
        self.recorder, self.rig = recorder, rig
        self.folder, self.name = Path(rig.header["to"]), str(rig.header["of"])
        self._seen = 0
        self._due, self._last = np.inf, -np.inf
        self._window = SHORT
        self.written: list[Path] = []

    def poll(self, now: float) -> Path | None:
        """Report what is new, and write a dump if one is due at ``now`` [s]; its path."""
        for event in self._new():
            self._due = min(self._due, max(now + AFTER, self._last + BETWEEN))
            self._window = max(self._window, LONG if is_grave(event) else SHORT)
            if event["phase_from"] != event["phase_to"]:
                LOG.info("%s", describe(event))
        return self.dump(now) if now >= self._due else None

    @property
    def due(self) -> bool:
        """Whether a change has not been dumped yet."""
        return bool(np.isfinite(self._due))

    def _new(self) -> np.ndarray:
        events, count = self.recorder.box.events, int(self.recorder.box.counts[EVENTS])
        fresh = range(max(self._seen, count - len(events)), count)
        self._seen = count
        return events[[i % len(events) for i in fresh]].copy() if fresh else events[:0]

    def dump(self, now: float) -> Path:
        """Write a dump now."""
        window, self._window = self._window, SHORT
        self._due, self._last = np.inf, now
        kind, row = "grave" if window == LONG else "change", self._newest()
        path = self.folder / f"{kind}_{self.name}_{int(row['tick']):012d}.npz"
        try:
            self.recorder.dump(path, window, {**self.rig.header, "phase": _explain(row)}, self.rig.arm, self.rig.shape)
        except OSError as error:
            LOG.warning("the black box was not written: %s; make room in %s", error.strerror, self.folder)
            return path
        self.written.append(path)
        for old in sorted(self.folder.glob(f"{kind}_*.npz"), key=_age)[: -KEEP[window]]:
            old.unlink(missing_ok=True)
        return path

    def _newest(self) -> np.void:
        rows = self.recorder.box.rows
        return rows[(int(self.recorder.box.counts[ROWS]) - 1) % len(rows)].copy()


def _age(path: Path) -> tuple[int, str]:
    """For sorting, oldest first; a file that another arm has just removed is the oldest."""
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name


def is_grave(event: np.void) -> bool:
    """Whether the last minute matters, not only the last seconds."""
    changed = event["phase_from"] != event["phase_to"]
    return bool((changed and event["phase_to"] in GRAVE) or event["mode_to"] >= Mode.BRAKE)


def describe(event: np.void) -> str:
    """A change of phase in one line."""
    return f"{Phase(int(event['phase_from'])).name} -> {_said(int(event['phase_to']), int(event['reason']))}"


def _explain(row: np.void) -> str:
    return _said(int(row["phase"]), int(row["reason"]))


def _said(phase: int, reason: int) -> str:
    """Phase and remedy in one line."""
    remedy = REMEDIES[Reason(reason)]
    return Phase(phase).name + (f": {remedy}" if remedy else "")
