"""Files and functions stay short enough to be read in one go."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 250
LONGEST_FUNCTION = 40
LONGEST_APP = 80
PLACES = ("robot_rl", "controllers", "drivers", "sim", "benchmarks", "tests", "launch")
FILES = sorted(p for top in PLACES for p in (ROOT / top).rglob("*.py") if "_pb2" not in p.name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_length(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE, f"split {path.name}: it has more than {LONGEST_FILE} lines"
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{n.name} (line {n.lineno})": (n.end_lineno or n.lineno) - n.lineno + 1 for n in functions}
    long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert not long, f"functions of more than {LONGEST_FUNCTION} lines: {long}"


def code_lines(text: str) -> int:
    """Lines that are neither blank nor part of a docstring."""
    statements = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Expr)]
    docstrings = [n for n in statements if isinstance(n.value, ast.Constant)]
    described = {line for d in docstrings for line in range(d.lineno, (d.end_lineno or d.lineno) + 1)}
    return sum(bool(line.strip()) for i, line in enumerate(text.splitlines(), 1) if i not in described)


@pytest.mark.parametrize("path", sorted((ROOT / "robot_rl/apps").glob("*.py")), ids=lambda p: p.name)
def test_a_command_is_thin(path: Path) -> None:
    assert code_lines(path.read_text(encoding="utf-8")) <= LONGEST_APP, f"move what {path.name} does to a module below"
