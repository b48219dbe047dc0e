"""``robot-rl data info``: what is in a dataset, without reading its arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from robot_rl.data.dataset import open_dataset
from robot_rl.data.review.overview import Overview, overview


@dataclass(frozen=True, kw_only=True)
class Config:
    """Say what is in a dataset."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    version: int | None = None
    """As it was after so many edits; none: after all."""
    json: bool = False
    """Print JSON instead of tables."""


def main(config: Config) -> None:
    """Open it and print."""
    found = overview(open_dataset(config.dataset, config.version))
    console = Console(highlight=False)
    if config.json:
        console.print_json(json.dumps({**asdict(found), "seconds": found.seconds}))
        return
    for title, rows in (("", facts(found)), ("features", found.features.items())):
        table = Table(box=None, pad_edge=False, show_header=False, title=title or None, title_justify="left")
        for name, value in rows:
            table.add_row(escape(name), escape(value))
        console.print(table)
    for said in (*found.recovery, *(f"{path} is no episode" for path in found.damaged)):
        console.print(f"[yellow]{escape(said)}[/yellow]", soft_wrap=True)


def facts(found: Overview) -> Iterator[tuple[str, str]]:
    """Two columns for a person."""
    yield "dataset", found.root
    hidden = f", {found.hidden} more taken out by edits" if found.hidden else ""
    packed = f", {found.archived} archived" if found.archived else ""
    yield "episodes", f"{found.episodes}{hidden}{packed}"
    yield "outcomes", counted(found.outcomes)
    for name, values in found.about.items():
        yield name.replace("_", " "), counted(values)
    yield "steps", f"{found.steps} at {found.rate:g} Hz, {found.seconds / 60:.1f} minutes"
    if found.episodes:
        yield "lengths", f"{found.shortest} to {found.longest} steps"
    if found.streams:
        yield "streams", counted(found.streams)
    yield "size", f"{found.bytes / 1e6:.1f} MB"
    yield "clock", f"{found.late} late steps, {found.missing} missing, longest gap {found.gap:.3f} s"
    for name, value in found.ledger.told().items():
        yield name, value
    yield "recorder", ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in found.counted.items())
    yield "version", f"{found.version}{'; ' + found.last_edit if found.last_edit else ''}"


def counted(values: Mapping[str, int], most: int = 8) -> str:
    """How often each value occurs."""
    told = [f"{value or '(none)'}: {number}" for value, number in list(values.items())[:most]]
    return ", ".join(told) + (f" and {len(values) - most} others" if len(values) > most else "")
