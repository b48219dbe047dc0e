"""``robot-rl report``: a run folder as report.html and report.json, and the same figures as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from robot_rl.core.errors import DatasetError
from robot_rl.report.page import percent, render, words
from robot_rl.report.run_folder import figures, read_run, write_json


@dataclass(frozen=True, kw_only=True)
class Config:
    """Turn a run folder into a page, a JSON file and a table."""

    run: tyro.conf.Positional[Path]
    """The run folder, such as runs/2026-11-21_10-00-00."""


def main(config: Config) -> None:
    """Read the run, write both files, print the table."""
    run = read_run(config.run)
    found = figures(run)
    page = config.run / "report.html"
    try:
        write_json(config.run / "report.json", found)
        page.write_text(render(run, found), encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{page}: cannot write ({error.strerror}): free some space, or mend its rights") from None
    console = Console(highlight=False)
    console.print(table(found))
    console.print(f"report: {page}")


def table(found: dict[str, Any]) -> Table:
    """The figures of ``report.json`` for a terminal."""
    rows = Table(title=f"{found['task']}, run {found['run']}", title_justify="left", show_header=False)
    rows.add_row("success before fine-tuning", with_interval(found, "success_before"))
    rows.add_row("success after fine-tuning", f"[bold]{with_interval(found, 'success_after')}[/bold]")
    deployed = f"{percent(found['success_deployed'])} of {found['deployed_episodes'] or 0} episodes"
    rows.add_row("success deployed on the ROS 2 graph", deployed)
    rows.add_row("passivity violations", str(found["passivity_violations"]))
    rows.add_row("worst energy ratio (bound 1)", f"{found['worst_energy_ratio']:.3f}")
    rows.add_row("peak contact force", f"{found['peak_force_n']:.1f} N")
    rows.add_row("environment steps online", str(found["env_steps"]))
    for name, value in found["timing"].items():
        rows.add_row(escape(words(name)), f"{value:g}")
    for part, ledger in found["ledgers"].items():
        for name, age in ledger["ages"].items():
            mean = "" if age["mean"] is None else f"{1e3 * age['mean']:.1f} ms, "
            rows.add_row(f"{name.replace('_', ' ')}, {part}", f"{mean}at most {1e3 * age['most']:.1f} ms")
        rows.add_row(f"overruns, {part}", f"{ledger['overruns']} of {ledger['steps']} steps")
        if ledger["person"]:
            rows.add_row(f"a person's share, {part}", f"{ledger['person_share']:.1%}")
    rows.add_row("wall time", f"{found['wall_s']:.0f} s")
    return rows


def with_interval(found: dict[str, Any], name: str) -> str:
    """A success rate and its 95 % interval."""
    interval = found[f"{name}_interval"]
    return f"{percent(found[name])} ({interval[0]:.0%} to {interval[1]:.0%})" if interval else "–"
