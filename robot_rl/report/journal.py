"""What a run did and how long each phase took, written to its folder as it goes."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from robot_rl.report.run_folder import RUN_FILE, write_json


class Journal:
    """Writes ``run.json`` after every phase, so that a run that stops early has a report too."""

    def __init__(self, folder: Path, task: str, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.task = task
        self.settings = {**settings, "machine": machine()}
        self.phases: list[dict[str, str | float]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, also when it fails."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.phases.append({"name": name, "seconds": round(time.monotonic() - started, 1)})
            about = {"task": self.task, "settings": self.settings, "phases": self.phases}
            write_json(self.folder / RUN_FILE, about)


def machine() -> str:
    """This machine in words."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
