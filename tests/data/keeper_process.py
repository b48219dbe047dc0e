"""Keeps episodes until it is killed; prints the number of each one that is on the disk."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from make_episodes import SPEC, observation, step

from robot_rl.data.keeper import Facts, Keeper


def announce(facts: Facts) -> None:
    sys.stdout.write(f"{facts['number']}\n")
    sys.stdout.flush()


with Keeper(Path(sys.argv[1]), SPEC, announce) as keeper:
    for number in itertools.count(int(sys.argv[2])):
        rows = 3 + number % 5
        keeper.keep([step(number, row) for row in range(rows)], observation(number, rows), {"number": number})
