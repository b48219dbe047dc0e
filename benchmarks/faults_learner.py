"""Kills and cuts a learner and its actors at random moments, and looks for every step at both ends.

``python benchmarks/faults_learner.py [--quick] [--trials N]``. Two actors send to one learner, each through a line of
its own. A trial kills one actor, the learner, or both (SIGKILL), stops an actor's line for three seconds (silently, or
cut), or makes an actor slow (stopped; slower in adopting weights than the learner in publishing them; or behind a line
slower than the weights: those seconds have a figure of their own). At the end every step that was on an actor's disk
must be in the learner's log once, in order and unharmed, and what can be followed by a next state must be in the
learner's replay once. The learner publishes 1 MB of weights four times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from crashes import learning
from crashes.learning import forked, lines
from crashes.ledger import CONNECTED, Ledger, audit, staleness
from crashes.relay import Relay
from peers import peer_python, result, run_peer

KINDS = ("actor", "learner", "both", "partition", "slow")
HOLD = 3.0
"""How long a line stays stopped, or an actor slow [s]."""
SLOW = 3_000_000
"""Of a slow line; the weights alone need 4.2 MB/s [bytes/s]."""
ACTORS = 2
AGENTLACE = (["numpy<2.3", "pyzmq==27.1.0", "lz4==4.4.5"],)
PEER_TRIALS = 25
PATIENT = 0.8
"""Share of the faults that wait until an actor has its learner again; the others hit a recovery."""


class Drill:
    """The processes, their lines, and when which of them was well."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder, self.rng, self.ledger = folder, rng, Ledger()
        self.port = learning_port()
        self.relays = [Relay(self.port) for _ in range(ACTORS)]
        self.lives, self.learner_life = [0] * ACTORS, 0
        self.how = ""
        """Which variant of a fault it was."""
        self.learner = self.start_learner()
        self.actors = [self.start_actor(number) for number in range(ACTORS)]

    def start_learner(self) -> int:
        self.learner_life += 1
        (self.folder / "run" / "address").unlink(missing_ok=True)
        return forked(partial(learning.learner, self.folder, self.port, self.learner_life))

    def start_actor(self, number: int) -> int:
        self.lives[number] += 1
        address = f"127.0.0.1:{self.relays[number].port}"
        return forked(partial(learning.actor, self.folder, address, number, self.lives[number]))

    def diary(self, number: int) -> Path:
        return self.folder / f"actor{number}-{self.lives[number]:03d}.txt"

    def wait(self, ready: Callable[[], bool], what: str, timeout: float = 120.0) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.02)

    def well(self) -> None:
        """Wait until the learner listens and every actor acts."""
        self.wait((self.folder / "run" / "address").exists, "the learner")
        for number in range(ACTORS):
            self.wait(lambda number=number: len(lines(self.diary(number))) > 2, f"actor {number}")
            if self.rng.random() < PATIENT:
                self.wait(lambda number=number: lines(self.diary(number))[-1, CONNECTED] > 0, f"actor {number}'s line")

    def trial(self, kind: str) -> None:
        """One fault."""
        self.well()
        time.sleep(self.rng.uniform(0.0, 1.0))
        number = self.rng.randrange(ACTORS)
        hurt = range(ACTORS) if kind in ("learner", "both") else (number,)
        self.how, began = "", time.monotonic()
        faults = {"partition": self.part, "slow": self.slow}
        if kind not in faults:
            self.kill(number, actor=kind != "learner", learner=kind != "actor")
        elif not faults[kind](number):
            return  # nothing excuses old weights
        for one in hurt:
            self.ledger.ill(f"{kind} {self.how}".strip(), one, began, time.monotonic())

    def kill(self, number: int, *, actor: bool, learner: bool) -> None:
        """SIGKILL, and start again."""
        for child in [self.actors[number]] * actor + [self.learner] * learner:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        if learner:
            self.learner = self.start_learner()
        if actor:
            self.actors[number] = self.start_actor(number)
        self.wait((self.folder / "run" / "address").exists, "the learner")

    def part(self, number: int) -> bool:
        """An actor's line is dead for a while; it may be told so or not."""
        self.how = self.rng.choice(["hole", "cut"])
        self.hold(self.relays[number].mode, self.how)
        return True

    def slow(self, number: int) -> bool:
        """An actor cannot keep up with what is published; what that excuses."""
        self.how = how = self.rng.choice(["adopts slowly", "stopped", "slow line"])
        began = time.monotonic()
        if how == "slow line":
            self.hold(self.relays[number].mode, str(SLOW))
            self.ledger.slow[number].append((began, time.monotonic()))
            return False
        if how == "stopped":
            os.kill(self.actors[number], signal.SIGSTOP)
            time.sleep(HOLD)
            os.kill(self.actors[number], signal.SIGCONT)
            return True
        os.kill(self.actors[number], signal.SIGUSR1)
        time.sleep(HOLD)
        return False

    def hold(self, mode: Callable[[str], None], word: str) -> None:
        mode(word)
        time.sleep(HOLD)
        mode("open")

    def finish(self) -> None:
        """Let everything arrive, and end."""
        self.well()
        time.sleep(1.0)
        for child in self.actors:
            os.kill(child, signal.SIGTERM)
        codes = [os.waitpid(child, 0)[1] for child in self.actors]
        os.kill(self.learner, signal.SIGTERM)
        codes.append(os.waitpid(self.learner, 0)[1])
        last = forked(partial(learning.learner, self.folder, self.port, self.learner_life + 1, last=True))
        codes.append(os.waitpid(last, 0)[1])
        for relay in self.relays:
            relay.close()
        if any(codes):
            raise RuntimeError("an actor could not deliver, or the learner failed: its reason stands above")


def learning_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def agentlace(seed: int) -> dict[str, Any]:
    """The same faults, fewer of them, for agentlace's protocol."""
    path = Path(__file__).parent / "crashes" / "drill_agentlace.py"
    script = f"import runpy, sys; sys.path.insert(0, {str(path.parent)!r}); runpy.run_path({str(path)!r})"
    return run_peer(peer_python("agentlace", *AGENTLACE), script, str(PEER_TRIALS), str(seed))


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one trial of each kind")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--only", choices=KINDS, help="one kind of fault")
    parser.add_argument("--keep", action="store_true", help="leave the files behind")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def main() -> None:
    """Kill, cut, look, count, print."""
    options = arguments()
    trials = len(KINDS) if options.quick else options.trials
    rng, kinds = random.Random(options.seed), Counter()
    folder = Path(tempfile.mkdtemp())
    drill = Drill(folder, rng)
    order = [options.only or KINDS[i % len(KINDS)] for i in range(trials)]
    rng.shuffle(order)
    for number, kind in enumerate(order, 1):
        drill.trial(kind)
        kinds[kind] += 1
        if number % 10 == 0:
            print(f"{number} of {trials} trials", flush=True)
    drill.finish()
    count = audit(folder, json.loads((folder / "replay.json").read_text()))
    fresh = staleness(folder, drill.ledger)
    peers = {} if options.quick or options.only else {"agentlace": agentlace(options.seed)}
    figures = {"trials": trials, **{f"{kind} trials": n for kind, n in kinds.items()}, **count.figures(), **fresh}
    result("faults_learner", figures, peers, {"lost": 0, "duplicated": 0, "weights behind, most [publications]": 2})
    if count.wrong:
        print(f"seed {options.seed}, files in {folder}", *count.wrong[:20], sep="\n")
        sys.exit(1)
    if options.keep:
        print(f"files in {folder}")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
