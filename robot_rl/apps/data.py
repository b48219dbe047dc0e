"""``robot-rl data``: look at a dataset, check it, change it, convert it."""

from __future__ import annotations

import importlib

from robot_rl.apps.menu import Menu

COMMANDS = (
    ("info", "what is in a dataset: episodes, outcomes, features, size, late steps, what was recovered"),
    ("check", "what is wrong with it; ends with code 1 if anything is"),
)
MENU = Menu(
    prog="robot-rl data",
    commands=COMMANDS,
    load=lambda name: importlib.import_module(f"robot_rl.apps.data_{name}"),
)
