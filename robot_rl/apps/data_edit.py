"""``robot-rl data edit``: changes to a dataset, each of which is a version and can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from rich.console import Console

from robot_rl.apps import data_operations as operations
from robot_rl.apps.menu import Menu
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor

OPERATIONS = {
    "delete": (operations.Delete, "take episodes out; their files stay until purge"),
    "relabel": (operations.Relabel, "change outcome, instruction or notes of episodes"),
    "trim": (operations.Trim, "keep a part of an episode"),
    "split": (operations.Split, "cut an episode into several"),
    "merge": (operations.Merge, "add the episodes of another dataset"),
    "undo": (operations.Undo, "take back the newest edit that still stands"),
    "restore": (operations.Restore, "make the dataset what it was after a version"),
    "purge": (operations.Purge, "delete the files of episodes that were taken out, for good"),
}


@dataclass(frozen=True, kw_only=True)
class Log(operations.Target):
    """List the edits, oldest first."""


def change(config: operations.Operation) -> None:
    """Make one edit and say which version it is."""
    with Editor(config.dataset) as editor:
        edit = config.apply(editor)
    Console(highlight=False).print(str(edit), markup=False, soft_wrap=True)


def log(config: Log) -> None:
    """Print the edits."""
    say = Console(highlight=False).print
    history = open_dataset(config.dataset).history
    for edit in history:
        say(f"{edit.when}  {edit}", markup=False, soft_wrap=True)
    if not history:
        say("no edit: all is as it was recorded")


def load(name: str) -> SimpleNamespace:
    """An operation as a command."""
    if name == "log":
        return SimpleNamespace(Config=Log, main=log)
    return SimpleNamespace(Config=OPERATIONS[name][0], main=change)


MENU = Menu(
    prog="robot-rl data edit",
    commands=(*((name, text) for name, (_, text) in OPERATIONS.items()), ("log", "list the edits")),
    load=load,
)
