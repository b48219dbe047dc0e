"""``robot-rl up``: start the ROS 2 graph of a station; Ctrl-C stops it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rich.console import Console

from robot_rl.apps.graph import require_ros
from robot_rl.core.station import load_station


@dataclass(frozen=True, kw_only=True)
class Config:
    """Start the graph: arm process, arm node and cameras, each a process of its own."""

    station: str = "twin"
    """Name of a station in launch/stations, or the path of a station file."""
    task: str = "peg_insert"
    """Scene of the twin."""


def main(config: Config) -> None:
    """Start, watch and stop; a process that dies is named, and the arm holds until Ctrl-C."""
    require_ros()
    from robot_rl.nodes.launcher import Graph
    from robot_rl.nodes.readiness import look, require

    require(look(load_station(config.station), config.task), config.station)
    console = Console(highlight=False)
    console.print(f"starting station {config.station} with {config.task} ...")
    with Graph(config.station, config.task, say=lambda text: console.print(f"[red]{text}[/red]")) as graph:
        console.print(f"[green]up:[/green] {', '.join(graph.processes)}")
        domain = os.environ.get("ROS_DOMAIN_ID", "0")
        console.print(f"topics are on ROS_DOMAIN_ID={domain}, this machine only; Ctrl-C stops the graph")
        try:
            while True:
                graph.wait()
        except KeyboardInterrupt:
            console.print("stopping")
