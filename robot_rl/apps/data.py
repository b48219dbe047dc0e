"""``robot-rl data``: look at a dataset, check it, change it, convert it."""

from __future__ import annotations

import importlib

from robot_rl.apps.menu import Menu

COMMANDS = (
    ("info", "what is in a dataset: episodes, outcomes, features, size, late steps, what was recovered"),
    ("check", "what is wrong with it; ends with code 1 if anything is"),
    ("verify", "compare every file with what was recorded"),
    ("stats", "range, mean, spread and quantiles of every feature"),
    ("measures", "its quality (TQ) and coverage (SACo), and which methods they advise"),
    ("view", "episodes in the browser: cameras, curves, labels; keep, delete, relabel, undo"),
    ("edit", "delete, relabel, trim, split, merge, undo, log, restore, purge"),
    ("archive", "make episodes smaller that are seldom read, without loss"),
    ("convert", "to and from LeRobot, robomimic, MCAP and diffusion policy"),
)
MENU = Menu(
    prog="robot-rl data",
    commands=COMMANDS,
    load=lambda name: importlib.import_module(f"robot_rl.apps.data_{name}"),
)
