"""A gripper in a process of its own: its calls may block and hold the interpreter, which no arm's loop may wait for.

The two share a page of numbers: the target of every finger from the arm, their position from the gripper.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np

from drivers.franka_hand import FrankaHand
from drivers.hand import HandDriver, HandSettings
from drivers.link import ArmRefusedError
from drivers.robotiq import Robotiq
from robot_rl.core.errors import RobotRLError

START = 20.0
"""How long a gripper may take to connect [s]."""
EVERY = 0.05
"""How often the process looks for a new target [s]."""
DEAD_BAND = 5e-4
"""A target that differs by less is no new one [m]."""
FINGERS = 2


def make_driver(settings: HandSettings) -> HandDriver:
    """The wire to a gripper; nothing is opened."""
    return Robotiq(settings) if settings.kind == "robotiq" else FrankaHand(settings)


class HandProcess:
    """A ``Hand`` whose driver runs in a process; it ends with this one."""

    def __init__(self, settings: HandSettings) -> None:
        self.settings, self.widest = settings, settings.widest
        self._fd = os.memfd_create("hand", 0)
        os.ftruncate(self._fd, mmap.PAGESIZE)
        self.target, self.measured = _shared(self._fd)
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Start the process and wait until it is connected; ``ArmRefusedError`` says why it is not."""
        settings = json.dumps(asdict(self.settings))
        call = [sys.executable, "-m", "drivers.hand_process", str(self._fd), str(os.getpid()), settings]
        self._process = subprocess.Popen(call, pass_fds=(self._fd,), stdout=subprocess.PIPE, text=True)
        line = self._process.stdout
        ready = line is not None and bool(select.select([line], [], [], START)[0])
        answer = json.loads((line.readline() if ready and line else "") or "{}")
        if "widest" not in answer:
            self.close()
            silent = f"the gripper at {self.settings.address} did not answer; check it"
            raise ArmRefusedError(answer.get("error", silent))
        self.widest = float(answer["widest"])

    def close(self) -> None:
        """End the process; the fingers stay where they are."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _shared(fd: int) -> tuple[np.ndarray, np.ndarray]:
    page = np.frombuffer(mmap.mmap(fd, mmap.PAGESIZE), np.float64)
    return page[:FINGERS], page[FINGERS : 2 * FINGERS]


def serve(driver: HandDriver, target: np.ndarray, measured: np.ndarray, parent: int) -> None:
    """Follow the target until the process ``parent`` is gone; ``ArmFaultError`` of the driver ends it."""
    asked = float(target.sum())
    while os.getppid() == parent:
        wanted = float(target.sum())
        if abs(wanted - asked) > DEAD_BAND:
            asked = wanted
            driver.go(wanted)
        measured[:] = driver.opening() / FINGERS
        time.sleep(EVERY)


def main(fd: int, parent: int, settings: HandSettings) -> None:
    """Connect, say so in one line on standard output, then serve."""
    target, measured = _shared(fd)
    driver = make_driver(settings)
    try:
        widest = driver.open()
        target[:] = measured[:] = driver.opening() / FINGERS
        sys.stdout.write(json.dumps({"widest": widest}) + "\n")
        sys.stdout.flush()
    except RobotRLError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(2)
    try:
        serve(driver, target, measured, parent)
    except RobotRLError as error:
        sys.stderr.write(f"[hand] {error}\n")
        sys.exit(2)
    finally:
        driver.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), HandSettings(**json.loads(sys.argv[3])))
