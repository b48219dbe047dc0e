"""A process beside the arm's that writes the black box to disk: idle until the arm changes its phase or mode.

To write a minute takes a tenth of a second of Python and more. Where the arm's driver needs the interpreter
(pylibfranka), that would cost the robot more packets than it forgives; so the arm's process only starts this one, and
asks it for a dump when a person wants one. Request and answer are a line each, over the standard streams.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import cast

from controllers.black_box.archive import Archive, LateReader
from controllers.black_box.rig_file import read_rig
from robot_rl.core.errors import ConfigError

LOG = logging.getLogger("black_box")
POLL = 0.05
"""How often the box is looked at [s]."""
PATIENCE = 9.0
"""How long a dump may take, the keeper's own start included [s]."""
KIND = 5
"""It stands back this much for other processes."""


class Keeper:
    """Starts and ends the keeper of ``box``, whose rig file is there already."""

    def __init__(self, box: Path) -> None:
        call = [sys.executable, "-m", __name__, str(box)]
        self._process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._said_dead = False

    def dump(self) -> Path:
        """Have a dump written now; the file. ``ConfigError`` says why there is none."""
        try:
            self._in().write(b"dump\n")
            answer = self._line()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise ConfigError("the black box was not written, its process does not answer: start the graph again")
        found = json.loads(answer)
        if not found["ok"]:
            raise ConfigError(f"the black box could not be written: make room in {Path(found['path']).parent}")
        return Path(found["path"])

    def _line(self) -> bytes:
        end, line, out = time.monotonic() + PATIENCE, b"", self._out()
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())) or not (part := out.read(4096)):
                    return b""
                line += part
        return line

    def check(self) -> None:
        """Say so, once, when the process is gone."""
        if not self._said_dead and self._process.poll() is not None:
            self._said_dead = True
            LOG.warning("what the arm does is no longer written down: its black box has lost its process")

    def close(self) -> None:
        """Let it write what is due, and end."""
        with suppress(BrokenPipeError):
            self._in().close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out().close()

    def _in(self) -> FileIO:
        return cast(FileIO, self._process.stdin)

    def _out(self) -> FileIO:
        return cast(FileIO, self._process.stdout)


def _answer(archive: Archive) -> None:
    path = archive.dump(time.monotonic())
    sys.stdout.write(json.dumps({"ok": path.exists(), "path": str(path)}) + "\n")
    sys.stdout.flush()


def keep(box: Path) -> None:
    """Dump ``box`` whenever it is time, and when a line on standard input asks for it; until that ends."""
    archive = Archive(LateReader.attach(box), read_rig(box))
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while True:
            if selector.select(POLL):
                asked = os.read(0, 4096).count(b"\n")
                if not asked:
                    break
                for _ in range(asked):
                    _answer(archive)
            archive.poll(time.monotonic())
    archive.poll(time.monotonic())
    if archive.due:
        archive.dump(time.monotonic())


def main() -> None:
    """Signals are for the arm's process, which ends this one when it is done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format="[black box] %(message)s", level=logging.WARNING, stream=sys.stderr)
    os.nice(KIND)
    keep(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
