"""The page on the learner claims nothing that is not there: every tick names tests or benchmarks that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "learner.md").read_text(encoding="utf-8")


def rows(title):
    """The rows of the table below a heading, cell by cell."""
    part = TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


GAPS = rows("What the others lack")
WANTED = rows("What one expects of such a learner")
FEATURES = rows("Feature by feature")
NAMED = re.findall(r"`((?:robot_rl|tests|benchmarks|docs)/[\w/.]+(?:::\w+)?)`", TEXT)


def lacking(reference):
    """What of ``path`` or ``path::test`` does not exist."""
    path, _, test = reference.partition("::")
    if not (ROOT / path).exists():
        return path
    found = re.search(rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE) if test else True
    return None if found else reference


def evidence(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_all_fourteen_gaps_are_answered():
    assert [int(row[0].split()[0]) for row in GAPS] == list(range(1, 15))


@pytest.mark.parametrize("row", GAPS, ids=lambda row: row[0])
def test_every_gap_has_a_test(row):
    shown = evidence(row[2])
    assert any("::test_" in reference for reference in shown)
    assert all("::test_" in reference or reference.startswith("benchmarks/") for reference in shown)


@pytest.mark.parametrize("row", [*WANTED, *FEATURES], ids=lambda row: row[0])
def test_a_tick_has_evidence_and_what_is_absent_has_none(row):
    assert row[1].startswith(("✓", "–"))
    assert bool(evidence(row[-1])) == row[1].startswith("✓")


def test_no_row_was_left_out():
    assert len(WANTED) == 13
    assert len(FEATURES) == 29
    assert len({row[0] for row in FEATURES}) == 29


def test_everything_named_exists():
    assert len(NAMED) > 80
    assert sorted({reference for reference in NAMED if lacking(reference)}) == []


def test_the_judge_sees_what_is_not_there():
    assert lacking("benchmarks/no.py") == "benchmarks/no.py"
    assert lacking("tests/learner/test_gaps.py::test_nothing") is not None
    assert lacking("tests/learner/test_gaps.py::test_no_row_was_left_out") is None
