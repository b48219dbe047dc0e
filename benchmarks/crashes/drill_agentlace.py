"""Kills and cuts an actor and a learner that speak agentlace's protocol, as ``faults_learner.py`` does with ours.

Run by it with an interpreter that has ZeroMQ: ``drill_agentlace.py TRIALS SEED``. What an actor did and the learner
does not have is lost; there is no disk in between.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from agentlace_pair import HOLD, actor, learner
from relay import Relay, free_port

KINDS = ("actor", "learner", "both", "partition", "slow")
SETTLE = 1.0


def forked(act: Callable[[], None]) -> int:
    """A process."""
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    return child


class Drill:
    """One actor and one learner."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder, self.rng, self.ill = folder, rng, []
        self.ports = (free_port(), free_port())
        self.relays = [Relay(port) for port in self.ports]
        self.lives = Counter()
        self.children = {}
        self.start("learner")
        self.start("actor")

    def start(self, who: str) -> None:
        self.lives[who] += 1
        ports = self.ports if who == "learner" else tuple(relay.port for relay in self.relays)
        (self.folder / "ready").unlink(missing_ok=True) if who == "learner" else None
        act = {"learner": learner, "actor": actor}[who]
        self.children[who] = forked(partial(act, self.folder, ports, self.lives[who]))

    def trial(self, kind: str) -> None:
        """One fault."""
        while not (self.folder / "ready").exists():
            time.sleep(0.02)
        time.sleep(self.rng.uniform(1.0, 3.0))
        began = time.monotonic()
        victims = {"both": ("actor", "learner")}.get(kind, (kind,) if kind in self.children else ())
        for who in victims:
            os.kill(self.children[who], signal.SIGKILL)
            os.waitpid(self.children[who], 0)
            self.start(who)
        if kind == "partition":
            self.line(self.rng.choice(["hole", "cut"]))
        excused = kind != "slow" or self.slow()
        if excused:
            self.ill.append((began, time.monotonic()))

    def slow(self) -> bool:
        """The actor cannot keep up; whether that excuses old weights afterwards."""
        if self.rng.random() < 0.5:
            os.kill(self.children["actor"], signal.SIGUSR1)
            time.sleep(HOLD)
            return False
        os.kill(self.children["actor"], signal.SIGSTOP)
        time.sleep(HOLD)
        os.kill(self.children["actor"], signal.SIGCONT)
        return True

    def line(self, mode: str) -> None:
        """Stop it for a while."""
        for word in (mode, "open"):
            for relay in self.relays:
                relay.mode(word)
            time.sleep(HOLD if word == mode else 0.0)

    def finish(self) -> None:
        """Let everything arrive."""
        time.sleep(3.0)
        for who in ("actor", "learner"):
            os.kill(self.children[who], signal.SIGTERM)
            os.waitpid(self.children[who], 0)
        for relay in self.relays:
            relay.close()


def rows(folder: Path, pattern: str) -> np.ndarray:
    """All lines of some diaries."""
    texts = [path.read_text().rpartition("\n")[0] for path in sorted(folder.glob(pattern))]
    return np.array([[float(v) for v in line.split()] for text in texts for line in text.splitlines()])


def figures(folder: Path, ill: list[tuple[float, float]]) -> dict[str, float]:
    """What was done against what the learner has, and how old weights were."""
    done = set()
    for path in folder.glob("actor-*.txt"):
        life = int(path.stem.split("-")[1])
        numbers = rows(folder, path.name)[:, 1].astype(int)
        done |= {(life, int(number)) for number in numbers}
    have = Counter(tuple(step) for step in pickle.loads((folder / "final.pkl").read_bytes()))
    acted, published = rows(folder, "actor-*.txt"), rows(folder, "learner-*.txt")
    well = np.ones(len(acted), np.bool_)
    for began, ended in ill:
        well &= (acted[:, 0] < began) | (acted[:, 0] > ended + SETTLE)
    lags = [lag(published, row) for row in acted[well]]
    return {
        "steps": len(done),
        "lost": len(done - set(have)),
        "duplicated": sum(have.values()) - len(have),
        "weights behind, most [publications]": max(lags),
        "weights behind, p99 [publications]": float(np.percentile(lags, 99)),
    }


def lag(published: np.ndarray, row: np.ndarray) -> int:
    """Publications of the learner at work that are newer than the weights in use."""
    before = published[published[:, 0] <= row[0]]
    if not len(before):
        return 0
    newest, life = before[-1, 1], before[-1, 2]
    return int(newest - row[3] if row[2] == life else newest)


def main() -> None:
    """Kill, cut, count, print."""
    trials, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        drill = Drill(Path(name), rng)
        order = [KINDS[i % len(KINDS)] for i in range(trials)]
        rng.shuffle(order)
        for kind in order:
            drill.trial(kind)
        drill.finish()
        print(json.dumps({"trials": trials, **figures(Path(name), drill.ill)}), flush=True)


main()
