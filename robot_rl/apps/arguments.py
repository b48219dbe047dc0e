"""The command line: typed configurations by tyro, and every mistake answered in one line."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

from robot_rl.core.errors import ConfigError

ConfigT = TypeVar("ConfigT")
BOX = re.compile(r"^[│╭╰─\s]+|[│╮╯─\s]+$")
REQUIRED = re.compile(r"^│ {5}(\S.*?)\s*│$", re.MULTILINE)
PARSING = re.compile(r"Error parsing (--\S+): (?:invalid literal|could not convert)[^']*('.*')$")
LISTED = re.compile(r"Error parsing \[*(INT|FLOAT)\b.*for arguments: \[(.*)\]")
FLAG = re.compile(r"--[a-z][\w.-]*\w")


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
    reason = wrong_flag(args, known_flags(config)) or one_line(complaint.getvalue())
    raise ConfigError(f"{reason}; see {prog} --help")


def known_flags(config: type[Any]) -> list[str]:
    """Every flag of a configuration, as its help lists them."""
    explained = io.StringIO()
    with contextlib.redirect_stdout(explained), contextlib.suppress(SystemExit):
        tyro.cli(config, args=["--help"])
    return FLAG.findall(explained.getvalue())


def wrong_flag(args: list[str], known: Sequence[str]) -> str:
    """The first flag in ``args`` that is not one of ``known``, with the nearest one; empty when all are known."""
    for arg in args:
        flag = arg.partition("=")[0].replace("_", "-")
        if FLAG.fullmatch(flag) and flag not in known:
            near = difflib.get_close_matches(flag, known, n=1, cutoff=0.5)
            return f"there is no {arg}; did you mean {near[0]}?" if near else f"there is no {arg}"
    return ""


def one_line(complaint: str) -> str:
    """What tyro's box says, without the box and the help text."""
    title, _, body = complaint.partition("\n")
    body = body.partition("────")[0]
    if "Required options" in title:
        return f"missing: {', '.join(REQUIRED.findall(body))}"
    said = " ".join(BOX.sub("", line) for line in body.splitlines()).strip()
    if parsing := PARSING.match(said):
        number = "a whole number" if "int()" in said else "a number"
        return f"{parsing[1]} must be {number}, not {parsing[2]}"
    if listed := LISTED.match(said):
        return f"give {'whole ' if listed[1] == 'INT' else ''}numbers, not {listed[2]}"
    return said[:1].lower() + said[1:].rstrip(".").replace("options:", "argument:")


def first_name(args: list[str]) -> str | None:
    """The first argument that is no flag, where a command starts with the name of a method."""
    return args[0] if args and not args[0].startswith("-") else None


def config_of(module: Any, args: list[str]) -> type[Any]:  # noqa: ANN401
    """A command's ``Config``, or what its ``configure`` makes of the name of a method in ``args``."""
    configure = getattr(module, "configure", None)
    return configure(first_name(args)) if configure else module.Config
