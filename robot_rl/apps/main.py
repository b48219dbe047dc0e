"""``robot-rl <command>``: imports the one command that is called, and answers mistakes in one line."""

from __future__ import annotations

import importlib
import os
import signal
import sys

from robot_rl.apps.menu import Menu
from robot_rl.core.errors import RobotRLError

COMMANDS = (
    ("demo", "the whole journey: demonstrations, base policy, fine-tuning, deployment, report"),
    ("check", "whether a station can do a task, before anything moves"),
    ("up", "start the ROS 2 graph of a station, and stop it with Ctrl-C"),
    ("collect", "record demonstrations"),
    ("data", "look at a dataset, check it, change it, convert it"),
    ("rewards", "train a success classifier, test it, correct it, judge data again with it"),
    ("train", "train a policy from a dataset"),
    ("learner", "improve a policy from the experience that actors send"),
    ("actor", "act on the twin, or on a station's graph, and send the experience to a learner"),
    ("certificates", "let learner and actors on different machines trust each other"),
    ("evaluate", "success rate of a policy over seeded episodes"),
    ("deploy", "run a policy on the ROS 2 graph"),
    ("report", "turn a run folder into report.html and report.json"),
    ("doctor", "what this machine has, what it lacks, and what mends it"),
)


MENU = Menu(
    prog="robot-rl",
    commands=COMMANDS,
    load=lambda name: importlib.import_module(f"robot_rl.apps.{name}"),
)


def run(args: list[str]) -> int:
    """Run a command; its exit code."""
    return MENU.run(args)


def main() -> None:
    """Entry point: 2 for a mistake of the user's, in one line on stderr; 130 after Ctrl-C."""
    os.environ.setdefault("ROS_PYTHON_CHECK_FIELDS", "1")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(run(sys.argv[1:]))
    except RobotRLError as error:
        sys.stderr.write(f"robot-rl: {' '.join(str(error).split())}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("robot-rl: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
