"""The command line: typed configurations by tyro, and every mistake answered in one line."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any, TypeVar

import tyro

from robot_rl.core.errors import ConfigError

ConfigT = TypeVar("ConfigT")
BOX = re.compile(r"^[│╭╰─\s]+|[│╮╯─\s]+$")
REQUIRED = re.compile(r"^│ {5}(\S.*?)\s*│$", re.MULTILINE)
FLAG = re.compile(r"--[a-z][\w.-]*")


def parse(config: type[ConfigT], args: list[str], prog: str) -> ConfigT:
    """The configuration that ``args`` ask for.

    Raises:
        ConfigError: A flag or a value is wrong; the message is one line with the nearest right flag.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(config, args=args, prog=prog)
    except SystemExit as stopped:
        if not stopped.code:
            raise
    raise ConfigError(f"{one_line(complaint.getvalue())}; see {prog} --help")


def one_line(complaint: str) -> str:
    """What tyro's box says, without the box, the repetition and the help text."""
    title, _, body = complaint.partition("\n")
    lines = [BOX.sub("", line) for line in body.splitlines()]
    said = " ".join(lines[: lines.index("")] if "" in lines else lines)
    if "Required options" in title:
        return f"missing: {', '.join(REQUIRED.findall(body))}"
    if "Unrecognized" in title:
        known = FLAG.findall(" ".join(lines).partition("Perhaps you meant")[2])
        near = f"; did you mean {known[0]}?" if known else ""
        return said.replace("Unrecognized options:", "unknown:").partition(" Perhaps")[0] + near
    return said[:1].lower() + said[1:].rstrip(".")


def first_name(args: list[str]) -> str | None:
    """The first argument that is no flag, where a command starts with the name of a method."""
    return args[0] if args and not args[0].startswith("-") else None


def config_of(module: Any, args: list[str]) -> type[Any]:  # noqa: ANN401
    """A command's ``Config``, or what its ``configure`` makes of the name of a method in ``args``."""
    configure = getattr(module, "configure", None)
    return configure(first_name(args)) if configure else module.Config
