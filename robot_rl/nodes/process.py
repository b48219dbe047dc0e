"""What every node process shares: how it starts, how it ends, and what it says when it cannot."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from robot_rl.core.errors import RobotRLError


class StopFlag:
    """Set by SIGINT, by SIGTERM, and by the death of the process that started this one."""

    def __init__(self, parent: int) -> None:
        self.parent = parent
        self._signalled = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self._signalled = True

    def __bool__(self) -> bool:
        """Whether to stop now."""
        return self._signalled or (self.parent > 0 and os.getppid() != self.parent)


def end_with(parent: int) -> None:
    """From now on SIGTERM interrupts, as Ctrl-C does, and so does the death of ``parent``; 0: it has none."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if parent > 0:
        threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def say(line: Mapping[str, Any]) -> None:
    """A JSON line on standard output, to whoever started this process."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def run_process(name: str, main: Callable[[], None]) -> None:
    """Run ``main``; an error that a user can mend ends the process with one line and code 2."""
    logging.basicConfig(format=f"[{name}] %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        main()
    except RobotRLError as error:
        logging.getLogger(name).error("%s", error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
