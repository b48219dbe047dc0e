"""``robot-rl doctor``: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from controllers.loop.jitter import Jitter, measure_jitter
from robot_rl.report.machine import Finding, look
from robot_rl.report.realtime import realtime_findings


@dataclass(frozen=True, kw_only=True)
class Config:
    """Look at this machine."""

    json: bool = False
    """Print JSON instead of a table."""
    realtime: bool = False
    """Look at real time only, and measure how late a loop of 1 kHz wakes."""
    seconds: float = 10.0
    """How long to measure that [s]."""


def mark(finding: Finding) -> str:
    """A word and a colour for a finding."""
    if finding.present:
        return "[green]here[/green]"
    if not finding.answered:
        return "[yellow]no answer[/yellow]"
    return "[red]missing[/red]" if finding.needed else "[yellow]not here[/yellow]"


def histogram(jitter: Jitter) -> Table:
    """How late the loop woke, as bars."""
    table = Table(box=None, pad_edge=False, title="how late a loop of 1 kHz wakes", title_justify="left")
    for heading in ("up to", "share", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for edge, share in jitter.rows:
        table.add_row(f"{edge} us", f"{share:.2%}", "█" * round(40 * share) or ("▏" if share > 0 else ""))
    return table


def main(config: Config) -> int:
    """Look at everything; 1 when something that everyone needs is missing."""
    console = Console(highlight=False)
    with console.status("looking at this machine"):
        jitter = measure_jitter(config.seconds) if config.realtime else None
        findings = list(look() if jitter is None else realtime_findings(jitter))
    if config.json:
        found = [asdict(f) for f in findings]
        console.print_json(json.dumps(found if jitter is None else {"findings": found, "jitter": asdict(jitter)}))
    else:
        if jitter is not None:
            console.print(histogram(jitter))
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            table.add_row(mark(finding), f"[bold]{finding.name}[/bold]", escape(finding.text))
            if not finding.present and finding.remedy:
                table.add_row("", "", f"[dim]mend:[/dim] {escape(finding.remedy)}")
        console.print(table)
    lacking = [f.name for f in findings if f.needed and not f.present]
    if not config.json:
        good = "[green]Everything the twin needs is here.[/green]" if jitter is None else ""
        console.print(f"[red]Missing: {', '.join(lacking)}.[/red]" if lacking else good)
    return 1 if lacking else 0
