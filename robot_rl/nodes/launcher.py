"""Starts and stops the processes of a graph. When one dies the arm is halted at once, and the dead one is named."""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from controllers.black_box.salvage import salvage
from controllers.loop.exchange import Exchange, shared_path
from robot_rl.core.errors import ConfigError, ConnectionLostError
from robot_rl.core.names import check_name
from robot_rl.core.station import load_station
from robot_rl.envs.twin_env import PRESETS
from robot_rl.nodes.dds_memory import YOUNG, remove_dead_segments
from robot_rl.nodes.domain import free_domain
from robot_rl.nodes.launch_file import read_launch

LOG = logging.getLogger("launcher")
PATIENCE = 5.0
"""Time between SIGINT, SIGTERM and SIGKILL [s]."""
START = 240.0
"""How long the arm process may take to appear [s]: the first time, its kernels are compiled."""
POLL = 0.05
"""How often the processes are looked at [s]."""


class Graph:
    """The processes of one station, as a context manager.

    Args:
        station: Station file, or the name of one that comes with the project.
        task: Scene of the twin.
        domain: ROS domain; None keeps the environment's, -1 takes one that no other graph here has.
        say: Where a line about a dead process goes.
    """

    def __init__(
        self, station: str, task: str, domain: int | None = None, say: Callable[[str], None] = LOG.error
    ) -> None:
        self.station = load_station(station)
        check_name("task", task, PRESETS)
        self.name = f"{self.station.name}.{os.getpid()}.{secrets.randbelow(10**6)}"
        self.say = say
        number, self._domain = free_domain() if domain is not None and domain < 0 else (domain, None)
        self.env = _environment(number)
        arguments = {"station": station, "task": task, "graph": self.name, "parent": str(os.getpid())}
        plan = read_launch(self.station.launch, arguments, self.env)
        self.env |= plan.environment
        self.commands = plan.processes
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.dead: dict[str, int] = {}
        self.exchange: Exchange | None = None
        self.black_box: Path | None = None
        """What an arm process that was killed left, once the graph has stopped."""

    def __enter__(self) -> Graph:
        """Start every process; returns when the arm lives."""
        try:
            for name, command in self.commands.items():
                self.processes[name] = self._popen(command)
            self._wait_for_arm()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop every process."""
        self.stop()

    def _popen(self, command: Sequence[str], stdout: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(list(command), env=self.env, start_new_session=True, text=True, stdout=stdout)

    def _wait_for_arm(self) -> None:
        end = time.monotonic() + START
        while self.exchange is None:
            if self.watch():
                name, code = next(iter(self.dead.items()))
                raise ConnectionLostError(f"{name} ended with code {code} while the graph came up: see its line above")
            if time.monotonic() > end:
                raise ConnectionLostError(f"the arm did not come up within {START:g} s: see the lines above")
            try:
                self.exchange = Exchange.attach(self.name, timeout=POLL)
            except ConnectionLostError:
                continue

    def watch(self) -> list[str]:
        """Names of the processes that died since the last call; the arm is halted before they are named."""
        fresh = []
        for name, process in self.processes.items():
            if name not in self.dead and process.poll() is not None:
                self.dead[name] = process.returncode
                fresh.append(name)
                how = _how(process.returncode)
                if self.exchange is not None:
                    self.exchange.halt(f"{name} {how}")
                self.say(f"{name} {how}: the arm holds; stop the graph and start it again")
        return fresh

    def wait(self) -> str:
        """Watch until a process dies; returns its name."""
        while not (fresh := self.watch()):
            time.sleep(POLL)
        return fresh[0]

    def run_node(
        self,
        module: str,
        arguments: Sequence[str],
        on_line: Callable[[str], None],
        enough: Callable[[], bool] = lambda: False,
    ) -> int:
        """Run a node of ours to its end on this graph; its standard output goes to ``on_line``, line by line.

        Returns its exit code. It ends by itself with an error when the graph breaks under it. Once ``enough``, it is
        asked to end (SIGINT) and gets the time that it needs for that.
        """
        process = self._popen([sys.executable, "-m", module, *arguments, "--parent", str(os.getpid())], subprocess.PIPE)
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
        reader.start()
        asked = False
        try:
            while process.poll() is None or reader.is_alive() or not lines.empty():
                self.watch()
                if enough() and not asked:
                    asked = True
                    _signal(process, signal.SIGINT)
                try:
                    on_line(lines.get(timeout=POLL))
                except queue.Empty:
                    continue
        finally:
            _stop_all([process])
        return process.returncode

    def stop(self) -> None:
        """Stop every process; the arm holds first. Nothing stays in shared memory."""
        _stop_all(list(self.processes.values()))
        shared_path(self.name).unlink(missing_ok=True)
        self._keep_black_box()
        if any(p.returncode == -signal.SIGKILL for p in self.processes.values()):
            time.sleep(YOUNG)
            remove_dead_segments()

    def _keep_black_box(self) -> None:
        """Dump what an arm process that was killed had recorded: one that ends by itself takes its box along."""
        box = shared_path(f"{self.name}.box")
        try:
            path = salvage(box)
        except (OSError, ConfigError) as error:
            self.say(f"the black box stays in {box}, it could not be written: {error}")
            return
        if path is not None:
            self.black_box = path
            self.say(f"the arm's last minute is in {path}")


def _environment(domain: int | None) -> dict[str, str]:
    """For the nodes: this interpreter, this machine only unless the user said otherwise."""
    env = {k: v for k, v in os.environ.items() if k not in ("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH")}
    env["ROBOT_RL_PYTHON"] = sys.executable
    env.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if domain is not None:
        env["ROS_DOMAIN_ID"] = str(domain)
    return env


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    for line in process.stdout or ():
        lines.put(line.rstrip("\n"))


def _stop_all(processes: Sequence[subprocess.Popen[str]]) -> None:
    """SIGINT, SIGTERM, SIGKILL to each session, with patience between."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        alive = [p for p in processes if p.poll() is None]
        for process in alive:
            _signal(process, number)
        end = time.monotonic() + PATIENCE
        while any(p.poll() is None for p in alive) and time.monotonic() < end:
            time.sleep(0.02)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
