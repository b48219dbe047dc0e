"""A node of ours on a station's graph that is started for it: for ``collect --ros``, ``deploy`` and ``actor --ros``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from threading import Event
from typing import TYPE_CHECKING, Any

from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConnectionLostError, MissingDependencyError
from robot_rl.core.station import load_station
from robot_rl.core.stopping import on_stop_signal
from robot_rl.report.machine import package

if TYPE_CHECKING:
    from robot_rl.nodes.launcher import Graph

Take = Callable[[dict[str, Any]], None]
"""Gets each JSON line of a node."""


def require_ros() -> None:
    """``MissingDependencyError`` without rclpy."""
    if package("rclpy") is None:
        raise MissingDependencyError("ROS 2 is not here: run make setup, or source your own ROS 2 Jazzy")


def flags(config: Any, leave: Sequence[str] = ()) -> list[str]:  # noqa: ANN401  (any dataclass)
    """The fields of a dataclass as a command line, without those named in ``leave``."""
    found: list[str] = []
    for entry in fields(config):
        value, flag = getattr(config, entry.name), "--" + entry.name.replace("_", "-")
        if entry.name in leave or value is None or value is False:
            continue
        if isinstance(value, tuple):
            found += [flag, *map(str, value)]
        else:
            found += [flag] if value is True else [flag, str(value)]
    return found


def say_page(url: str) -> None:
    """Where a person's page is."""
    Console(stderr=True, highlight=False).print(f"operator's page: {url}", soft_wrap=True)


def domain_of(station: str) -> int | None:
    """As ``Graph`` takes it: a twin has a ROS domain of its own; a robot is where the person who activates it, its
    cameras and its trackers are, in the terminal's."""
    return -1 if load_station(station).robot is None else None


@contextmanager
def graph_of(station: str, task: str) -> Iterator[Graph]:
    """Start the graph of a station, and stop it at the end."""
    require_ros()
    from robot_rl.nodes.launcher import Graph

    console = Console(stderr=True, highlight=False)
    console.print("starting the ROS 2 graph ...")
    with Graph(station, task, domain=domain_of(station), say=console.print) as graph:
        yield graph


def run_node(graph: Graph, module: str, arguments: Sequence[str], take: Take, enough: Event | None = None) -> None:
    """Run ``module`` to its end; ``ConnectionLostError`` when it could not. ``enough``: set to have it end cleanly."""

    def hear(text: str) -> None:
        line = json.loads(text) if text.startswith("{") else {}
        if "page" in line:
            say_page(line["page"])
        elif line:
            take(line)

    code = graph.run_node(module, arguments, hear, (enough or Event()).is_set)
    if code:
        raise ConnectionLostError(f"{module.rsplit('.', 1)[1]} ended with code {code}: its reason stands above")


def run_on_graph(station: str, task: str, module: str, arguments: Sequence[str], title: str) -> list[dict[str, Any]]:
    """Start the station's graph, run ``module`` on it to its end, stop the graph; the node's JSON lines."""
    episodes = int(arguments[arguments.index("--episodes") + 1])
    lines: list[dict[str, Any]] = []
    with graph_of(station, task) as graph, bar(title, episodes) as advance:

        def take(line: dict[str, Any]) -> None:
            lines.append(line)
            advance(line.get("good", len(lines)), f"{sum(bool(line['success']) for line in lines)} succeeded")

        run_node(graph, module, ["--task", task, *arguments], take)
    return lines


def learn_on_graph(graph: Graph, arguments: Sequence[str], take: Take) -> dict[str, Any]:
    """Let an actor act for its learner until that has enough, or until SIGTERM or Ctrl-C; what the actor did."""
    done: dict[str, Any] = {}

    def hear(line: dict[str, Any]) -> None:
        if "done" in line:
            done.update(line["done"])
        else:
            take(line)

    enough = Event()
    with on_stop_signal(enough.set):
        run_node(graph, "robot_rl.nodes.learning_node", arguments, hear, enough)
    return done
