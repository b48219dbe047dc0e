"""The process that runs the arm: real-time loop, controller and plant. No ROS, no network.

It talks to its bridge through shared memory alone (``controllers.loop.exchange``) and holds the arm whenever commands
go stale, the bridge goes silent, or anyone halts the graph.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import tyro

from controllers.black_box.keeper import Keeper
from controllers.black_box.recorder import Recorder
from controllers.black_box.rig_file import write_rig
from controllers.guard.desk import Desk
from controllers.guard.requests import ArmRequests
from controllers.guard.supervisor import Supervisor
from controllers.loop.exchange import Exchange, shared_path
from controllers.loop.realtime_loop import LoopSettings, RealtimeLoop
from controllers.loop.snapshot import COMMAND, snapshot_dtype
from robot_rl.core.errors import ConfigError
from robot_rl.core.station import Station, load_station
from robot_rl.nodes.plants import JOINTS, limited, make_loop, make_plant
from robot_rl.nodes.process import StopFlag, run_process

LOG = logging.getLogger("arm")
SWITCH = 1e-4
"""A loop whose driver is Python waits no longer than this for the other threads of this process [s]."""
PATIENT = 10.0
"""A start that takes longer is explained [s]."""
SERVE_EVERY = 0.005
"""How often Python looks for resets [s]."""


def make_recorder(graph: str, joints: int) -> Recorder | None:
    """The black box of a graph, in shared memory; None, with a warning, where there is no room for it."""
    for ticks in (60_000, 10_000):
        try:
            return Recorder(shared_path(f"{graph}.box"), joints, ticks)
        except ConfigError as error:
            LOG.warning("%s", error)
    return None


@dataclass(frozen=True, kw_only=True)
class Config:
    """Run the arm of a station."""

    graph: str
    """Name of the graph: of its shared memory."""
    station: str = "twin"
    """Station file, or the name of one that comes with the project."""
    task: str = "reach"
    """The twin's scene; for a robot, the task whose preset is used where the station says so."""
    lockstep: bool = False
    """Ticks run when they are asked for through shared memory: equal commands then give equal torques, bit for bit."""
    black_box: Path = Path(gettempdir()) / "robot_rl_black_box"
    """Folder for what the black box dumps."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


def settings_of(station: Station, *, lockstep: bool) -> LoopSettings:
    """How the station wants its loop to run."""
    cpu = None if station.cpu < 0 else station.cpu
    return LoopSettings(hold_after=station.hold_after, priority=station.priority, cpu=cpu, lockstep=lockstep)


def main(config: Config) -> None:
    """Run until asked to stop."""
    stop = StopFlag(config.parent)
    sys.setswitchinterval(SWITCH)
    station, slow = load_station(config.station), say_if_slow()
    recorder = make_recorder(config.graph, JOINTS[station.driver])
    with ExitStack() as afterwards:
        afterwards.callback(slow.cancel)
        if recorder:
            afterwards.callback(recorder.unlink)
        plant = afterwards.enter_context(make_plant(station, config.task, recorder.box if recorder else None))
        keeper = start_keeper(recorder, plant.supervisor, config) if recorder else None
        if keeper:
            afterwards.callback(keeper.close)
        objects, joints = tuple(plant.objects()), plant.arm.n
        sizes = (snapshot_dtype(joints, objects).itemsize // 8, COMMAND.itemsize // 8)
        info = {"objects": objects, "joints": joints, "arm": plant.arm.name}
        exchange = Exchange.create(config.graph, sizes, info, ready=False)
        afterwards.callback(exchange.unlink)
        loop = make_loop(plant, exchange, settings_of(station, lockstep=config.lockstep))
        desk = make_desk(config.graph, station, loop, keeper)
        loop.compile()
        slow.cancel()
        run_loop(loop, desk, stop, keeper)


def say_if_slow(after: float = PATIENT) -> threading.Timer:
    """Say why nothing happens, unless that is cancelled within ``after`` [s]."""
    text = "still preparing: an arm that is new here has its control compiled first, once, which takes minutes; %s"
    timer = threading.Timer(after, LOG.warning, (text, "nothing is controlled before it is done"))
    timer.daemon = True
    timer.start()
    return timer


def start_keeper(recorder: Recorder, supervisor: Supervisor, config: Config) -> Keeper:
    """The process that writes the box to disk."""
    arm = supervisor.controller
    header = {"arm": arm.arm.name, "period": float(arm.config["period"]), "of": config.graph}
    write_rig(recorder.path, supervisor.rig, {**header, "to": str(config.black_box.absolute())})
    return Keeper(recorder.path)


def make_desk(graph: str, station: Station, loop: RealtimeLoop, keeper: Keeper | None) -> Desk:
    """Where the arm can be asked for what is slow."""
    dump = None if keeper is None else keeper.dump
    strict = station.robot is not None and not station.robot.soft_realtime
    requests = ArmRequests(loop, loop.supervisor, lambda config: limited(station, config), dump, strict=strict)
    return Desk(graph, requests.actions())


def warm_up(task: str) -> None:
    """Compile the loop into the cache on disk: it takes a minute, which nobody should wait for with an arm."""
    station = load_station("twin")
    with make_plant(station, task) as plant:
        sizes = (snapshot_dtype(plant.arm.n, tuple(plant.objects())).itemsize // 8, COMMAND.itemsize // 8)
        exchange = Exchange.create(f"warm_up.{os.getpid()}", sizes, {}, ready=False)
        try:
            RealtimeLoop(plant, exchange, LoopSettings()).compile()
        finally:
            exchange.unlink()


def run_loop(loop: RealtimeLoop, desk: Desk, stop: StopFlag, keeper: Keeper | None = None) -> None:
    """The loop, in a thread of compiled code; this one serves resets and the desk, until ``stop``."""
    loop.start()
    loop.exchange.open()
    while not stop:
        loop.serve()
        desk.serve()
        if keeper:
            keeper.check()
        time.sleep(SERVE_EVERY)
    desk.close()
    loop.close()


if __name__ == "__main__":
    run_process("arm", lambda: main(tyro.cli(Config)))
