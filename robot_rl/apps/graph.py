"""A node that runs episodes on a graph of its own, with a bar: what ``collect --ros`` and ``deploy`` share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConnectionLostError, MissingDependencyError
from robot_rl.report.machine import package


def require_ros() -> None:
    """``MissingDependencyError`` without rclpy."""
    if package("rclpy") is None:
        raise MissingDependencyError("ROS 2 is not here: run make setup, or source your own ROS 2 Jazzy")


def run_on_graph(station: str, task: str, module: str, arguments: Sequence[str], title: str) -> list[dict[str, Any]]:
    """Start the station's graph, run ``module`` on it to its end, stop the graph; the node's JSON lines."""
    require_ros()
    from robot_rl.nodes.launcher import Graph

    console = Console(stderr=True, highlight=False)
    episodes = int(arguments[arguments.index("--episodes") + 1])
    lines: list[dict[str, Any]] = []
    console.print("starting the ROS 2 graph ...")
    with Graph(station, task, domain=-1, say=console.print) as graph, bar(title, episodes) as advance:

        def take(text: str) -> None:
            if not text.startswith("{"):
                return
            line = json.loads(text)
            if "page" in line:
                console.print(f"operator's page: {line['page']}", soft_wrap=True)
                return
            lines.append(line)
            advance(line.get("good", len(lines)), f"{sum(bool(line['success']) for line in lines)} succeeded")

        code = graph.run_node(module, ["--task", task, *arguments], take)
    if code:
        raise ConnectionLostError(f"{module.rsplit('.', 1)[1]} ended with code {code}: its reason stands above")
    return lines
