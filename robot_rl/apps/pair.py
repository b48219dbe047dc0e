"""A learner and an actor as two processes of this machine, watched until the learner is done."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConnectionLostError
from robot_rl.report.run_folder import learning

PATIENCE = 60.0
"""How long the processes may take to end when asked [s]."""


def fine_tune(folder: Path, learner: Sequence[str], env_steps: int, minutes: float, station: str = "") -> None:
    """Run ``robot-rl learner`` with the given arguments and an actor for it, until done or ``minutes`` are over.

    ``station``: whose cameras' views the actor is shown.

    Their output goes to learner.log and actor.log in ``folder``; the result is in ``folder``/online/finetuned.
    """
    online, spool = str(folder / "online"), str(folder / "spool")
    limits = ["--folder", online, "--max-env-steps", str(env_steps), "--max-minutes", str(minutes)]
    with ExitStack() as stack:
        first = start(stack, folder / "learner.log", ["learner", *learner, *limits])
        acting = ["actor", online, "--spool", spool, "--connect-timeout", "120", "--station", station]
        second = start(stack, folder / "actor.log", acting)
        with bar("fine-tuning, learner and actor", env_steps) as advance:
            while first.poll() is None:
                if second.poll():
                    raise failure("actor", second, folder)
                episodes = learning(folder / "online" / "metrics.jsonl")
                if episodes:
                    won = [success for _, success in episodes[-50:]]
                    advance(min(episodes[-1][0], env_steps), f"{sum(won)} of the last {len(won)} episodes succeeded")
                time.sleep(0.5)
        if first.returncode:
            raise failure("learner", first, folder)
        with suppress(subprocess.TimeoutExpired):
            second.wait(PATIENCE)


def start(stack: ExitStack, log: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """A command as a process that ``stack`` stops."""
    output = stack.enter_context(log.open("wb"))
    command = [sys.executable, "-m", "robot_rl.apps.main", *arguments]
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    stack.callback(stop, process)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then kill it."""
    for ask in (process.terminate, process.kill):
        if process.poll() is None:
            ask()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)


def failure(name: str, process: subprocess.Popen[bytes], folder: Path) -> ConnectionLostError:
    """Why a process of the pair ended."""
    log = folder / f"{name}.log"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = lines[-1] if lines else "nothing"
    return ConnectionLostError(f"the {name} ended with code {process.returncode}, saying: {said} (see {log})")
