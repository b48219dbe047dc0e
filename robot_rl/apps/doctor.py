"""``robot-rl doctor``: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from robot_rl.report.machine import Finding, look


@dataclass(frozen=True, kw_only=True)
class Config:
    """Look at this machine."""

    json: bool = False
    """Print JSON instead of a table."""


def mark(finding: Finding) -> str:
    """A word and a colour for a finding."""
    if finding.present:
        return "[green]here[/green]"
    return "[red]missing[/red]" if finding.needed else "[yellow]not here[/yellow]"


def main(config: Config) -> int:
    """Look at everything; 1 when something that everyone needs is missing."""
    console = Console(highlight=False)
    with console.status("looking at this machine"):
        findings = list(look())
    if config.json:
        console.print_json(json.dumps([asdict(f) for f in findings]))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            table.add_row(mark(finding), f"[bold]{finding.name}[/bold]", escape(finding.text))
            if not finding.present and finding.remedy:
                table.add_row("", "", f"[dim]mend:[/dim] {escape(finding.remedy)}")
        console.print(table)
    lacking = [f.name for f in findings if f.needed and not f.present]
    if not config.json:
        good = "[green]Everything the twin needs is here.[/green]"
        console.print(f"[red]Missing: {', '.join(lacking)}.[/red]" if lacking else good)
    return 1 if lacking else 0
