"""What only the black box knows of the controller, once a second, for the diagnostics: no part of the control."""

from __future__ import annotations

from controllers.black_box.recorder import Recorder
from controllers.black_box.ring import SNAPSHOTS
from controllers.loop.exchange import shared_path
from robot_rl.core.errors import ConfigError

FIELDS = ("force_level", "condition", "given_up")
"""Level of the contact force, 0 to 3; condition number of the posture; errors that lasted and were given up."""


class InnerState:
    """Reads the newest snapshot in the box of ``graph``; knows nothing where there is no box."""

    def __init__(self, graph: str) -> None:
        try:
            self.recorder: Recorder | None = Recorder.attach(shared_path(f"{graph}.box"))
        except (OSError, ConfigError):
            self.recorder = None

    def values(self) -> dict[str, str]:
        """``FIELDS`` as text."""
        if self.recorder is None:
            return {}
        box = self.recorder.box
        count = int(box.counts[SNAPSHOTS])
        if not count:
            return {}
        newest = box.states[(count - 1) % len(box.states)]
        return {name: f"{float(newest[name]):.6g}" for name in FIELDS}
