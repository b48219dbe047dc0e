"""The process that runs the arm: real-time loop, controller and plant. No ROS, no network, one thread.

It talks to its bridge through shared memory alone (``controllers.exchange``) and holds the arm whenever commands go
stale, the bridge goes silent, or anyone halts the graph.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

import numpy as np
import tyro

from controllers.arm_loop import ArmLoop
from controllers.config import ControllerConfig, preset
from controllers.exchange import Exchange
from controllers.realtime import Grants, request_realtime
from controllers.snapshot import COMMAND, snapshot_dtype
from robot_rl.core.names import check_name
from robot_rl.core.station import Station, load_station
from robot_rl.envs.twin_env import PRESETS
from robot_rl.nodes.process import StopFlag, run_process
from sim.twin import Twin

LOG = logging.getLogger("arm")
WARM_UP = 100
"""Wake-ups before the loop counts how late it is: everything is compiled and in the caches then."""


def controller_of(station: Station, task: str) -> ControllerConfig:
    """The task's or the station's preset, with the station's limits, which can only tighten it."""
    check_name("task", task, PRESETS)
    config = preset(PRESETS[task] if station.preset == "task" else station.preset)
    force, moment = config.wrench_max
    return replace(config, wrench_max=(min(force, station.max_force), moment))


def make_plant(station: Station, task: str) -> Twin:
    """What the station's driver moves; ``load_station`` has checked its name."""
    return Twin(task, controller_of(station, task), ())


@dataclass(frozen=True, kw_only=True)
class Config:
    """Run the arm of a station."""

    graph: str
    """Name of the graph: of its shared memory."""
    station: str = "twin"
    """Station file, or the name of one that comes with the project."""
    task: str = "reach"
    """The twin's scene."""
    parent: int = 0
    """Stop when this process is no longer the parent; 0: never."""


def grant(station: Station) -> Grants:
    """Ask for real-time scheduling and say what was refused."""
    grants = request_realtime(station.priority, None if station.cpu < 0 else station.cpu)
    for remedy in grants.remedies:
        LOG.warning("%s", remedy)
    return grants


def main(config: Config) -> None:
    """Run until asked to stop."""
    stop = StopFlag(config.parent)
    station = load_station(config.station)
    with make_plant(station, config.task) as plant:
        plant.reset(0)
        plant.advance(20)
        plant.reset(0)
        objects = tuple(plant.objects())
        joints = len(plant.state().q)
        record = np.zeros((), snapshot_dtype(joints, objects))
        sizes = (record.nbytes // 8, COMMAND.itemsize // 8)
        exchange = Exchange.create(config.graph, sizes, {"objects": objects, "joints": joints})
        try:
            run_loop(ArmLoop(plant, exchange, record, station.hold_after), station, stop)
        finally:
            exchange.unlink()


def run_loop(loop: ArmLoop, station: Station, stop: StopFlag) -> None:
    """The loop, until ``stop``; then the arm holds."""
    loop.publish(time.monotonic())
    for _ in range(WARM_UP):
        loop.step()
    loop.record["fifo"] = grant(station).fifo
    loop.restart()
    while not stop:
        loop.step()
    loop.plant.stop()


if __name__ == "__main__":
    run_process("arm", lambda: main(tyro.cli(Config)))
