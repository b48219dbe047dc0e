"""Commands that are lists of commands: ``robot-rl``, ``robot-rl data``, ``robot-rl data edit``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from robot_rl.apps.arguments import config_of, parse
from robot_rl.core.names import check_name


@dataclass(frozen=True, kw_only=True)
class Menu:
    """Some commands under one name."""

    prog: str
    """What is typed before the command."""
    commands: tuple[tuple[str, str], ...]
    """Name and meaning of each."""
    load: Callable[[str], Any]
    """Imports a command: something with ``Config`` and ``main``, or with a ``MENU`` of its own."""

    def usage(self) -> str:
        """The list of commands."""
        width = max(len(name) for name, _ in self.commands)
        rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in self.commands)
        end = f"{self.prog} COMMAND --help explains its options."
        return f"usage: {self.prog} COMMAND [options]\n\ncommands:\n{rows}\n\n{end}"

    def run(self, args: list[str]) -> int:
        """Run a command; its exit code."""
        if not args or args[0] in ("-h", "--help", "help"):
            Console(highlight=False).print(self.usage(), markup=False, soft_wrap=True)
            return 0 if args else 2
        name = check_name("command", args[0], [name for name, _ in self.commands])
        command = self.load(name)
        if menu := getattr(command, "MENU", None):
            return menu.run(args[1:])
        config = parse(config_of(command, args[1:]), args[1:], f"{self.prog} {name}")
        return int(command.main(config) or 0)


def tables() -> Console:
    """A console for wide tables: as wide as its terminal, and in a file or a pipe wide enough."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)
