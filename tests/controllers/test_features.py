"""The table of features claims nothing that is not there: every row is ticked, and names code and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8").splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("|")][2:]
FEATURES = 24
"""Rows of the specification's table."""


def named(cell):
    return re.findall(r"`([^`]+)`", cell)


def lacking(reference):
    """What of ``path`` or ``path::test`` does not exist."""
    path, _, test = reference.partition("::")
    if not (ROOT / path).is_file():
        return path
    found = re.search(rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE) if test else True
    return None if found else reference


def test_every_feature_of_the_specification_has_its_row():
    assert len({row[0] for row in ROWS}) == len(ROWS) == FEATURES
    assert all(row[1].startswith("✓") for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_code_and_evidence_exist(row):
    code, evidence = named(row[3]), named(row[4])
    assert code
    assert evidence
    assert [r for r in [*code, *evidence] if lacking(r)] == []
    assert all("::test_" in r or r.startswith("benchmarks/") for r in evidence)
    assert any("::test_" in r for r in evidence)


def test_the_judge_sees_what_is_not_there():
    assert lacking("controllers/law/no.py") == "controllers/law/no.py"
    assert lacking("tests/controllers/test_features.py::test_nothing") is not None
    assert lacking("tests/controllers/test_features.py::test_code_and_evidence_exist") is None
