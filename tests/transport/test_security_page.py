"""The page on security names tests, files and limits that exist."""

import re
from pathlib import Path

from robot_rl.transport.channel import MAX_MESSAGE
from robot_rl.transport.framing import MAX_PAYLOAD
from robot_rl.transport.inbox import GREETED
from robot_rl.transport.limits import Limits
from robot_rl.transport.weights import MAX_SIZE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_what_it_names_exists() -> None:
    names = [name for name in re.findall(r"`([^`\s]+\.py(?:::\w+)?)`", TEXT) if "/" in name]
    assert len(names) >= 8
    for name in names:
        path, _, test = name.partition("::")
        assert (ROOT / path).is_file(), name
        assert f"def {test}" in (ROOT / path).read_text(encoding="utf-8"), name


def test_its_limits_are_those_of_the_program() -> None:
    limits = Limits()
    for number in (
        f"| {MAX_MESSAGE >> 20} MiB |",
        f"| {MAX_PAYLOAD >> 20} MiB |",
        f"| {limits.episode >> 30} GiB, `--limits.episode` |",
        f"| {limits.actors}, `--limits.actors` |",
        f"{limits.spare >> 30} GiB stays free",
        f"| {GREETED} |",
        f"| {MAX_SIZE >> 30} GiB |",
    ):
        assert number in TEXT, number
