"""The set-up installs what was tested: every direct dependency is pinned."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def name(requirement: str) -> str:
    """The normalised name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [r for extra in project["optional-dependencies"].values() for r in extra]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {name(line) for line in lines if "==" in line}
    lacking = {name(r) for r in [*project["dependencies"], *extras]} - pins
    assert not lacking, f"pin these in constraints.txt: {lacking}"
