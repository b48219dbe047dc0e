"""Collect the RESULT lines of the benchmarks from standard input into a Markdown page.

usage: python -m robot_rl.report.figures docs/figures.md < the benchmarks' output
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HEAD = "# Figures\n\nMeasured by `make figures`; every line is from one run of one script in `benchmarks/`.\n"


def results(lines: Iterable[str]) -> list[dict[str, Any]]:
    """What the lines that start with RESULT hold."""
    return [json.loads(line.removeprefix("RESULT ")) for line in lines if line.startswith("RESULT ")]


def flatten(data: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested names joined by blanks."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", value


def markdown(found: Iterable[Mapping[str, Any]]) -> str:
    """One table per benchmark."""
    parts = [HEAD]
    for result in found:
        rows = [f"| {name} | {_text(value)} |" for name, value in flatten(result) if name != "benchmark"]
        title = str(result.get("benchmark", "benchmark"))
        parts.append("\n".join([f"## {title}\n", "| figure | value |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _text(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Echo what comes in; write the page at the end."""
    lines = []
    for line in sys.stdin:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    Path(sys.argv[1]).write_text(markdown(results(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
