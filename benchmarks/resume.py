"""A learner that is killed (SIGKILL) and started again: does it end where it would have ended? How long does it stop?

An actor sends the same scripted steps to two learners: RLPD, ten critics, demonstrations and corrections, a replay so
small that it forgets. One learner is left alone, the other is killed at random instants. Compared at the end, bit for
bit: policy, critics and their targets, optimisers, the generators of noise and of the draws, the order of the replay.
Then the time for which updates stand still while a checkpoint is taken, at 256-256 and at 1024-1024.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from learners.resumed import LENGTH, SPEC, STARTS, UTD, episodes
from peers import result

from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE
from robot_rl.learner import checkpoint, registry
from robot_rl.learner.snapshot import Scribe, Snapshot, take
from robot_rl.nets.cpu import prepare
from robot_rl.transport.client import ExperienceClient

CHILD = Path(__file__).parent / "learners" / "resumed.py"
FILES = ("learner.safetensors", "policy.safetensors", "progress.json")


def free_address() -> str:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def learner_process(folder: Path, address: str, steps: int) -> subprocess.Popen[bytes]:
    """Start a learner in ``folder``, or go on with the one that was killed there."""
    call = [sys.executable, str(CHILD), str(folder), address, str(steps), "37", "64"]
    return subprocess.Popen(call, stdout=subprocess.PIPE)


def wait_for(child: subprocess.Popen[bytes], updates: int) -> bool:
    """Wait until the child has made as many updates; False if it ended before."""
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= updates:
            return True
    return False


def learn(folder: Path, steps: int, kills: list[int]) -> int:
    """One learner's whole life with its actor, killed once it has made each number of updates. Returns the kills."""
    folder.mkdir()
    address, done = free_address(), 0
    child = learner_process(folder, address, steps)
    with ExperienceClient(address, folder / "spool", SPEC) as client:
        client.connect(300)
        for number, (recorded, final) in enumerate(episodes(2, steps // LENGTH)):
            client.begin({"number": number})
            for step in recorded:
                client.add(step)
            client.end(final)
        for updates in kills:
            if wait_for(child, updates):
                time.sleep(random.uniform(0.0, 0.05))
                child.kill()
                child.wait()
                done += 1
                child = learner_process(folder, address, steps)
        wait_for(child, sys.maxsize)
        if child.wait(300) != 0:
            raise RuntimeError("the learner failed")
    return done


def digest(folder: Path) -> dict[str, str]:
    """File -> hash, of the last checkpoint; streams have random names, so the order is told by their numbers."""
    out = {}
    for name in FILES:
        raw = (folder / "finetuned" / name).read_bytes()
        if name == "progress.json":
            data = json.loads(raw)
            runs = [run[1:] for run in data["feed"]["runs"]]
            raw = json.dumps([runs, data["draws"]], sort_keys=True).encode()
        out[name] = hashlib.sha256(raw).hexdigest()
    return out


def pauses(width: int, saves: int, folder: Path) -> dict[str, float]:
    """How long updates stand still for a checkpoint of ten critics of that width, while the one before is written."""
    method = registry.load("rlpd")
    learner = method.make(method.Config(hidden=(width, width), batch_size=64), SPEC, base=None, statistics=None)

    def write(path: Path, snapshot: Snapshot, counts: dict[str, int]) -> None:
        checkpoint.write(path, snapshot, counts)

    scribe, stops, between = Scribe(write), [], []
    for number in range(saves):
        before = time.perf_counter()
        for _ in range(3):
            batch = Transition(
                obs={STATE: torch.randn(64, 18)}, action=torch.rand(64, 3), reward=torch.zeros(64),
                discount=torch.full((64,), 0.97), next_obs={STATE: torch.randn(64, 18)},
            )  # fmt: skip
            learner.update(batch)
        between.append((time.perf_counter() - before) / 3)
        while scribe.busy:
            time.sleep(0.01)
        scribe.save(folder / f"pause{width}", lambda: take(learner), {"updates": number})
        stops.append(scribe.pause)
    scribe.wait()
    size = sum(f.stat().st_size for f in (folder / f"pause{width}").rglob("*"))
    return {
        "megabytes": round(size / 1e6, 1),
        "pause_ms_median": round(1e3 * statistics.median(stops), 2),
        "pause_ms_worst": round(1e3 * max(stops), 2),
        "update_ms": round(1e3 * statistics.median(between), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    prepare(1)
    steps, kills = (240, 1) if quick else (1200, 6)
    updates = int((steps - STARTS + 1) * UTD)
    at = sorted(random.sample(range(30, updates - 30), kills))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        learn(folder / "whole", steps, [])
        killed = learn(folder / "killed", steps, at)
        whole, resumed = digest(folder / "whole"), digest(folder / "killed")
        same = {name: whole[name] == resumed[name] for name in FILES}
        stops = {} if quick else {f"checkpoint_{w}": pauses(w, 10, folder) for w in (256, 1024)}
    figures = {"updates": updates, "kills": killed, "identical_files": sum(same.values()), "of_files": len(FILES)}
    print("\n".join(f"{name}: {'identical' if equal else 'DIFFERENT'}" for name, equal in same.items()))
    result("resume", {**figures, **stops}, {})


if __name__ == "__main__":
    main()
