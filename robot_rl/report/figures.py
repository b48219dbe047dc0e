"""Run benchmarks and keep the newest RESULT line of each, as a page of figures.

usage: python -m robot_rl.report.figures FOLDER SCRIPT...  writes FOLDER/figures.jsonl and FOLDER/figures.md
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HEAD = """# Figures

Measured by `make figures`: the newest run of each script in `benchmarks/`, which installs the peers that it names.
`make figures BENCHMARKS=benchmarks/transport.py` repeats one.
"""
Result = Mapping[str, Any]


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:  # noqa: ANN401
    """Nested names joined by blanks; a bare value gets the name ''."""
    if not isinstance(data, Mapping):
        return {prefix.strip(): data}
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat |= flatten(value, f"{prefix}{name} ")
    return flat


def comparison(result: Result) -> tuple[list[str], list[list[str]]]:
    """A table of one result: its header, and a row per figure with ours, each peer's and the limit's beside it."""
    ours, peers = flatten(result["figures"]), {k: flatten(v) for k, v in result.get("peers", {}).items()}
    columns = {"ours": ours, **peers, "limit": flatten(result.get("limit", {}))}
    columns = {name: column for name, column in columns.items() if column}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name or "value", *(_text(column.get(name, "")) for column in columns.values())] for name in names]
    return ["figure", *columns], rows


def markdown(results: Iterable[Result]) -> str:
    """One table per benchmark."""
    parts = [HEAD]
    for result in results:
        header, rows = comparison(result)
        lines = [f"## {result['benchmark']}\n", _line(header), _line(["---"] * len(header)), *map(_line, rows)]
        machine = ", ".join(f"{name} {value}" for name, value in result.get("machine", {}).items())
        parts.append("\n".join([*lines, f"\nMachine: {machine}.\n"]))
    return "\n".join(parts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def run(script: str) -> dict[str, Any] | None:
    """The RESULT of a benchmark, its output passed on; None when it failed."""
    sys.stdout.write(f"== {script}\n")
    found = None
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or []:
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.startswith("RESULT "):
                found = json.loads(line.removeprefix("RESULT "))
    return found if process.returncode == 0 else None


def main() -> None:
    """Run the scripts, write what succeeded, fail when one did not."""
    folder, scripts = Path(sys.argv[1]), sys.argv[2:]
    store = folder / "figures.jsonl"
    kept = [json.loads(line) for line in store.read_text().splitlines()] if store.exists() else []
    results = {result["benchmark"]: result for result in kept}
    failed = []
    for script in scripts:
        result = run(script)
        if result is None:
            failed.append(script)
            continue
        results[result["benchmark"]] = result
        ordered = [results[name] for name in sorted(results)]
        store.write_text("".join(json.dumps(r) + "\n" for r in ordered), encoding="utf-8")
        (folder / "figures.md").write_text(markdown(ordered), encoding="utf-8")
    if failed:
        sys.exit(f"figures: {', '.join(failed)} failed or printed no RESULT: see above")


if __name__ == "__main__":
    main()
