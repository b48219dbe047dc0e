"""``robot-rl check STATION``: whether a station can do a task, before anything moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from robot_rl.apps.evaluate import task_of
from robot_rl.core.spec import Spec
from robot_rl.core.station import load_station
from robot_rl.learner.checkpoint import describe
from robot_rl.nodes.readiness import Need, look_with, ready

MARKS = {"fine": "[green]fine[/green]", "note": "[yellow]note[/yellow]", "wrong": "[red]wrong[/red]"}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Compare a station file with a task, or with a policy: units, limits, reach, speed, cameras. Nothing moves."""

    station: tyro.conf.Positional[str]
    """Name of a station in launch/stations, or the path of a station file."""
    task: str = ""
    """Name of the task; empty: the one that the checkpoint was trained for, else peg_insert."""
    cameras: tuple[str, ...] = ()
    """Which cameras the task is observed through."""
    checkpoint: Path | None = None
    """Folder of the policy that is to run; it says which cameras and features it needs."""


def main(config: Config) -> int:
    """Look and tell; 1 when something is wrong."""
    station = load_station(config.station)
    findings = look_with(station, need_of(config))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row(MARKS[finding.grade], f"[bold]{escape(finding.subject)}[/bold]", escape(finding.text))
    console = Console(highlight=False)
    console.print(table)
    fine = ready(findings)
    console.print("[green]It may move.[/green]" if fine else "[red]It must not move like this.[/red]")
    return 0 if fine else 1


def need_of(config: Config) -> Need:
    """What is to run."""
    if config.checkpoint is None:
        return Need.of(config.task or "peg_insert", config.cameras)
    spec = Spec.from_json(describe(config.checkpoint)["spec"])
    return Need(task=config.task or task_of(config.checkpoint), spec=spec)
