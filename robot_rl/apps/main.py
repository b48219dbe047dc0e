"""``robot-rl <command>``: imports the one command that is called, and answers mistakes in one line."""

from __future__ import annotations

import importlib
import os
import signal
import sys

from rich.console import Console

from robot_rl.apps.arguments import config_of, parse
from robot_rl.core.errors import RobotRLError
from robot_rl.core.names import check_name

COMMANDS = (
    ("demo", "the whole journey: demonstrations, base policy, fine-tuning, deployment, report"),
    ("up", "start the ROS 2 graph of a station, and stop it with Ctrl-C"),
    ("collect", "record demonstrations"),
    ("train", "train a policy from a dataset"),
    ("learner", "improve a policy from the experience that actors send"),
    ("actor", "act in the twin and send the experience to a learner"),
    ("evaluate", "success rate of a policy over seeded episodes"),
    ("deploy", "run a policy on the ROS 2 graph"),
    ("report", "turn a run folder into report.html and report.json"),
    ("doctor", "what this machine has, what it lacks, and what mends it"),
)


def usage() -> str:
    """The list of commands."""
    rows = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS)
    return f"usage: robot-rl COMMAND [options]\n\ncommands:\n{rows}\n\nrobot-rl COMMAND --help explains its options."


def run(args: list[str]) -> int:
    """Run a command; its exit code."""
    if not args or args[0] in ("-h", "--help", "help"):
        Console(highlight=False).print(usage(), markup=False, soft_wrap=True)
        return 0 if args else 2
    name = check_name("command", args[0], [name for name, _ in COMMANDS])
    module = importlib.import_module(f"robot_rl.apps.{name}")
    config = parse(config_of(module, args[1:]), args[1:], f"robot-rl {name}")
    return int(module.main(config) or 0)


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
