"""Dumps the black box when the arm changes its phase or mode: soon after, seldom, and no more than a disk can take."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from controllers.black_box.recorder import Recorder, rig_path
from controllers.black_box.salvage import write_rig
from controllers.guard.lifecycle import REMEDIES, Phase, Reason
from controllers.guard.supervisor import Supervisor
from robot_rl.core.records import Mode

LOG = logging.getLogger("arm")
AFTER = 0.3
"""Time that is still recorded after a change [s]."""
BETWEEN = 2.0
"""Shortest time between two dumps [s]; changes within it share one."""
SHORT, LONG = 5.0, 60.0
"""What is dumped of an everyday change, and of a grave one [s]."""
GRAVE = (Phase.DAMP, Phase.FAULT, Phase.STOPPED)
KEEP = {SHORT: 20, LONG: 6}
"""How many dumps of each kind stay; the oldest go."""


class Archive:
    """Watches one black box; ``poll`` is called between other things by a thread that may take its time.

    Args:
        recorder: The black box.
        supervisor: Whose arm it records.
        folder: Where the dumps go; several arms may share it, and share what stays.
        name: Of the arm, in the files' names.
    """

    def __init__(self, recorder: Recorder, supervisor: Supervisor, folder: Path, name: str = "arm") -> None:
        self.recorder, self.supervisor, self.folder, self.name = recorder, supervisor, folder, name
        self._seen = 0
        self._due, self._last = np.inf, -np.inf
        self._window = SHORT
        self.written: list[Path] = []
        write_rig(rig_path(recorder.path), supervisor.rig, {**self._header(), "to": str(folder), "of": name})

    def poll(self, now: float) -> Path | None:
        """Report what is new, and write a dump if one is due at ``now`` [s]; its path."""
        for event in self._new():
            self._due = min(self._due, max(now + AFTER, self._last + BETWEEN))
            self._window = max(self._window, LONG if is_grave(event) else SHORT)
            if event["phase_from"] != event["phase_to"]:
                LOG.info("%s", describe(event))
        return self.dump(now) if now >= self._due else None

    def _new(self) -> np.ndarray:
        events, count = self.recorder.box.events, int(self.recorder.box.counts[1])
        fresh = range(max(self._seen, count - len(events)), count)
        self._seen = count
        return events[[i % len(events) for i in fresh]].copy() if fresh else events[:0]

    def dump(self, now: float) -> Path:
        """Write a dump now."""
        window, self._window = self._window, SHORT
        self._due, self._last = np.inf, now
        kind = "grave" if window == LONG else "change"
        path = self.folder / f"{kind}_{self.name}_{int(self.supervisor.guard['tick']):012d}.npz"
        try:
            self.recorder.dump(path, window, self._header(), self.supervisor.rig.arm, self.supervisor.rig.shape)
        except OSError as error:
            LOG.warning("the black box was not written: %s; make room in %s", error.strerror, self.folder)
            return path
        self.written.append(path)
        for old in sorted(self.folder.glob(f"{kind}_*.npz"), key=_age)[: -KEEP[window]]:
            old.unlink(missing_ok=True)
        return path

    def _header(self) -> Mapping[str, str | float]:
        control = self.supervisor.controller
        return {"arm": control.arm.name, "period": float(control.config["period"]), "phase": self.supervisor.explain()}


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
    before, after = Phase(int(event["phase_from"])), Phase(int(event["phase_to"]))
    remedy = REMEDIES[Reason(int(event["reason"]))]
    return f"{before.name} -> {after.name}" + (f": {remedy}" if remedy else "")
