"""A ROS domain of one's own: two graphs in one domain would hear each other's commands."""

from __future__ import annotations

import fcntl
import secrets
from io import BufferedWriter
from pathlib import Path
from tempfile import gettempdir

from robot_rl.core.errors import ConnectionLostError

DOMAINS = 100
"""ROS keeps 0 to 101 free of port conflicts; 0 is everybody's."""


def free_domain() -> tuple[int, BufferedWriter]:
    """A random domain from 1 to ``DOMAINS``, and the open file whose lock keeps it ours as long as it is open."""
    start = secrets.randbelow(DOMAINS)
    for i in range(DOMAINS):
        domain = (start + i) % DOMAINS + 1
        file = _lock(Path(gettempdir()) / f"robot_rl.domain.{domain}")
        if file is not None:
            return domain, file
    raise ConnectionLostError(f"all {DOMAINS} ROS domains are taken by other graphs: stop one of them")


def _lock(path: Path) -> BufferedWriter | None:
    try:
        file = path.open("wb")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
