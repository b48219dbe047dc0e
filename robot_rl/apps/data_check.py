"""``robot-rl data check``: what is wrong with a dataset, and what to do about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro
from rich.markup import escape
from rich.table import Table

from robot_rl.apps.menu import tables
from robot_rl.apps.progress import bar
from robot_rl.data.dataset import open_dataset
from robot_rl.data.review.check import Options, check
from robot_rl.data.review.findings import Finding, Level

COLOURS = {Level.WRONG: "red", Level.SUSPECT: "yellow", Level.NOTE: "dim"}


@dataclass(frozen=True, kw_only=True)
class Config(Options):
    """Look for what spoils a training; the exit code is 1 when something is wrong, else 0."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    strict: bool = False
    """Count what is suspect as wrong."""
    json: bool = False
    """Print JSON instead of a table."""


def main(config: Config) -> int:
    """Check, with a bar; 1 when something is wrong."""
    dataset = open_dataset(config.dataset)
    with bar(f"checking {config.dataset}", max(1, len(dataset))) as advance:
        findings = check(dataset, config, lambda done: advance(done, f"{done} episodes"))
    bad = [f for f in findings if f.level is Level.WRONG or (config.strict and f.level is Level.SUSPECT)]
    console = tables()
    if config.json:
        found = [{**asdict(f), "level": f.level.value} for f in findings]
        console.print_json(json.dumps({"wrong": bool(bad), "episodes": len(dataset), "findings": found}))
        return int(bool(bad))
    if findings:
        console.print(table(findings))
    levels = Counter(f.level.value for f in findings)
    summary = ", ".join(f"{levels[level.value]} {level.value}" for level in Level)
    console.print(f"{len(dataset)} episodes, {dataset.steps} steps: {summary}")
    return int(bool(bad))


def table(findings: Sequence[Finding]) -> Table:
    """What was found, for a person."""
    rows = Table(box=None, pad_edge=False)
    for heading in ("", "episode", "what", "", "remedy"):
        rows.add_column(heading)
    for f in findings:
        level = f"[{COLOURS[f.level]}]{f.level.value}[/]"
        rows.add_row(level, "" if f.episode is None else str(f.episode), f.kind, escape(f.text), escape(f.remedy))
    return rows
