"""What every node process shares: how it starts, how it ends, and what it says when it cannot."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable

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
