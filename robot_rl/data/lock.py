"""The lock that makes one process at a time change a dataset; whoever is refused is told who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import IO, Final

from robot_rl.core.errors import DatasetError

LOCK_FILE: Final = ".lock"


def lock(root: Path) -> IO[bytes]:
    """Take the lock of a dataset; closing the returned file, or the end of the process, gives it back.

    Readers need none: an episode never changes once it is there.
    """
    try:
        file = open(root / LOCK_FILE, "a+b", buffering=0)
    except OSError as error:
        raise DatasetError(f"{root}: cannot write ({error.strerror}): choose another folder") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _holder(file)
        file.close()
        raise DatasetError(
            f"{root} is being recorded by another process{holder}: wait for it, or record elsewhere"
        ) from None
    _sign(file)
    return file


def _sign(file: IO[bytes]) -> None:
    """Say in the lock file who holds it; a full disk does not matter here."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:3]])[:80]
    who = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": time.strftime("%F %T")}
    try:
        file.truncate(0)
        file.write(json.dumps(who).encode())
    except OSError:
        return


def _holder(file: IO[bytes]) -> str:
    try:
        file.seek(0)
        who = json.loads(file.read())
        return f" (pid {who['pid']} on {who['host']}, '{who['command']}', since {who['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
