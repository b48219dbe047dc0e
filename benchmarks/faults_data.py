"""Kills processes at work on a dataset at random moments, and looks for anything that was lost or damaged.

``python benchmarks/faults_data.py [--quick] [--kills N]``. Each trial forks a process that records, edits, converts or
compacts, sends it SIGKILL after a random time, opens the dataset as any program would, and compares every row of every
episode with what it must be. Nothing is repaired by hand on the way; one dataset goes through twenty trials.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from crashes.activities import ACTIVITIES, speaker
from crashes.pattern import SPEC, facts, observation, problems, step
from peers import result

from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter

SHARES = {"recording": 0.4, "editing": 0.25, "compacting": 0.2, "converting": 0.15}
LONGEST = 2.0
"""Of the random times before a kill [s]."""
TRIALS_PER_SET = 20


@dataclass
class Count:
    """What all kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    saved: int = 0
    """Episodes that were said to be saved and are there."""
    recovered: int = 0
    """Open episodes that were completed."""
    lost_steps: int = 0
    """Most steps of an open episode that were handed over and are not there."""
    wrong: list[str] = field(default_factory=list)


def make(root: Path, first: int, lengths: tuple[int, ...]) -> None:
    """A dataset to begin with."""
    with EpisodeWriter(root, SPEC) as writer:
        for name, length in enumerate(lengths, first):
            writer.begin({"episode": name})
            for row in range(length):
                writer.add(step(name, row, last=row == length - 1))
            writer.end(observation(name, length))


def killed(activity: str, root: Path, seed: int, delay: float) -> list[tuple[str, Any]]:
    """Run an activity in a process, kill it ``delay`` after it is ready; what it had said."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        try:
            ACTIVITIES[activity](root, np.random.default_rng(seed), speaker(outlet))
        except BaseException:  # noqa: BLE001
            speaker(outlet)("failed", traceback.format_exc())
        os._exit(1)
    os.close(outlet)
    with os.fdopen(inlet) as lines:
        said = [lines.readline()]
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        said += lines.readlines()
    os.waitpid(child, 0)
    return [tuple(json.loads(line)) for line in said if line.endswith("\n")]


def judge(root: Path, said: list[tuple[str, Any]], count: Count) -> list[str]:
    """What is not as the killed process had said."""
    wrong = [text for kind, text in said if kind == "failed"] + problems(root)
    before = [value for kind, value in said if kind == "facts"]
    if before and facts(root) != before[-1]:
        wrong.append("the episodes are not the ones that were there")
    versions = [value for kind, value in said if kind == "version"]
    if versions:
        number, there = versions[-1]
        now = open_dataset(root).version
        if now not in (number, number + 1) or facts(root, number) != there:
            wrong.append(f"version {number} is not what it was, or {now} follows it")
    for kind, path in said:
        if kind == "imported":
            wrong += problems(Path(path))
    return wrong + judge_recording(root, said, count)


def judge_recording(root: Path, said: list[tuple[str, Any]], count: Count) -> list[str]:
    """Saved episodes that are not there, and how much of the open one is."""
    saved = {name: length for kind, (name, length) in _named(said, "saved") if kind}
    there = {int(e.meta["episode"]): len(e) for e in open_dataset(root).episodes()}
    wrong = [f"episode {name} of {length} steps is lost" for name, length in saved.items() if there.get(name) != length]
    count.saved += len(saved) - len(wrong)
    added = dict(value for _, value in _named(said, "added"))
    for name in added.keys() - saved.keys():
        rows = there[name] + 1 if name in there else 0
        count.recovered += name in there
        if added[name] > 1:
            count.lost_steps = max(count.lost_steps, added[name] - rows)
    return wrong


def _named(said: list[tuple[str, Any]], kind: str) -> list[tuple[str, Any]]:
    return [(k, value) for k, value in said if k == kind]


def main() -> None:
    """Kill, look, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten kills")
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    kills = 10 if options.quick else options.kills
    cv2.setNumThreads(0)  # threads of this process would not be there in its forks
    rng, count = np.random.default_rng(int(time.time())), Count()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for trial in range(kills):
            if trial % TRIALS_PER_SET == 0:
                shutil.rmtree(root / "work", ignore_errors=True)
                make(root / "work" / "set", 0, (12, 5, 20, 8))
                make(root / "work" / "other", 100, (4, 6))
            activity = str(rng.choice(list(SHARES), p=list(SHARES.values())))
            if options.quick:
                activity = list(SHARES)[trial % len(SHARES)]
            said = killed(activity, root / "work" / "set", int(rng.integers(1 << 30)), rng.uniform(0, LONGEST))
            count.kills[activity] += 1
            found = judge(root / "work" / "set", said, count)
            count.wrong += [f"{activity}: {text}" for text in found]
            if found:
                print("\n".join(found), flush=True)
    figures = {**count.kills, "kills": count.kills.total(), "saved episodes found": count.saved}
    figures |= {"open episodes recovered": count.recovered, "most steps of one lost": count.lost_steps}
    result("faults_data", {**figures, "lost or damaged": len(count.wrong)}, {}, {"lost or damaged": 0})
    sys.exit(bool(count.wrong) or count.lost_steps > 1)


if __name__ == "__main__":
    main()
