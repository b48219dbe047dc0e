"""``robot-rl rewards``: success classifiers, trained, tested, corrected by a person, and used to judge data again."""

from __future__ import annotations

import importlib

from robot_rl.apps.menu import Menu

COMMANDS = (
    ("train", "train a success classifier on a dataset; threshold for a requested false-positive rate"),
    ("evaluate", "how good it is on episodes that it has not learnt from, and whether what it sees has drifted"),
    ("review", "the hardest frames in the browser; say what they really show, and undo"),
    ("relabel", "judge the episodes of a dataset again with it, as one edit that can be undone"),
)
MENU = Menu(
    prog="robot-rl rewards",
    commands=COMMANDS,
    load=lambda name: importlib.import_module(f"robot_rl.apps.rewards_{name}"),
)
