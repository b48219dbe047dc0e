"""A learner that is killed (SIGKILL) and started again: does it end where it would have ended? How long does it stop?

An actor sends the same scripted steps to two learners: RLPD, ten critics, demonstrations and corrections, a replay so
small that it forgets. One learner is left alone, the other is killed at random instants. Compared at the end, bit for
bit: policy, critics and their targets, optimisers, the generators of noise and of the draws, the order of the replay.
The same from two cameras, whose images are shifted at random and are mapped from the disk after a kill.
Before that: how long updates stand still while a checkpoint is taken, from the first one on, layers of 256 and 1024.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from crashes.relay import free_port
from learners.resumed import LENGTH, SEEING, SPEC, STARTS, UTD, episodes
from peers import result

from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE
from robot_rl.learner import checkpoint, registry
from robot_rl.learner.protocol import Learner
from robot_rl.learner.snapshot import Scribe, Snapshot, take
from robot_rl.nets.cpu import prepare
from robot_rl.transport.client import ExperienceClient

CHILD = Path(__file__).parent / "learners" / "resumed.py"
FILES = ("learner.safetensors", "policy.safetensors", "progress.json")


def learner_process(folder: Path, address: str, steps: int, sees: bool) -> subprocess.Popen[bytes]:
    """Start a learner in ``folder``, or go on with the one that was killed there."""
    call = [sys.executable, str(CHILD), str(folder), address, str(steps), "37", "64", *["images"] * sees]
    return subprocess.Popen(call, stdout=subprocess.PIPE)


def wait_for(child: subprocess.Popen[bytes], updates: int) -> bool:
    """Wait until the child has made as many updates; False if it ended before."""
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= updates:
            return True
    return False


def learn(folder: Path, steps: int, kills: list[int], sees: bool) -> int:
    """One learner's whole life with its actor, killed once it has made each number of updates. Returns the kills."""
    folder.mkdir(parents=True)
    address, done, spec = f"127.0.0.1:{free_port()}", 0, SEEING if sees else SPEC
    child = learner_process(folder, address, steps, sees)
    with ExperienceClient(address, folder / "spool", spec) as client:
        client.connect(300)
        for number, (recorded, final) in enumerate(episodes(2, steps // LENGTH, spec)):
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
                child = learner_process(folder, address, steps, sees)
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


def updated(learner: Learner) -> float:
    """How long one update takes [s]."""
    batch = Transition(
        obs={STATE: torch.randn(64, 18)}, action=torch.rand(64, 3), reward=torch.zeros(64),
        discount=torch.full((64,), 0.97), next_obs={STATE: torch.randn(64, 18)},
    )  # fmt: skip
    began = time.perf_counter()
    learner.update(batch)
    return time.perf_counter() - began


def pauses(width: int, saves: int, folder: Path) -> dict[str, float]:
    """How long updates stand still for a checkpoint of ten critics of that width, and how long they take beside it."""
    method = registry.load("rlpd")
    learner = method.make(method.Config(hidden=(width, width), batch_size=64), SPEC, base=None, statistics=None)

    def write(path: Path, snapshot: Snapshot, counts: dict[str, int]) -> None:
        checkpoint.write(path, snapshot, counts)

    scribe, stops, cpu, usual, beside = Scribe(write), [], [], [], []
    for number in range(saves):
        while not scribe.ready(learner):
            beside.append(updated(learner))
        usual += [updated(learner) for _ in range(3)]
        began = time.thread_time()
        scribe.save(folder / f"pause{width}", lambda: take(learner), {"updates": number})
        cpu.append(time.thread_time() - began)
        beside.append(updated(learner))  # its optimiser waits for the rest of the copy, which counts
        stops.append(scribe.pause)
    scribe.wait()
    size = sum(f.stat().st_size for f in (folder / f"pause{width}").rglob("*"))
    figures = {
        "pause_ms_first": stops[0],
        "pause_ms_median": statistics.median(stops),
        "pause_ms_worst": max(stops),
        "pause_cpu_ms_worst": max(cpu),
        "update_ms": statistics.median(usual),
        "update_while_writing_ms": statistics.median(beside),
    }
    return {"megabytes": round(size / 1e6, 1), **{name: round(1e3 * value, 2) for name, value in figures.items()}}


def compared(folder: Path, steps: int, kills: int, sees: bool) -> dict[str, int]:
    """Two lives, one of them with ``kills``, and how many of their files are equal."""
    updates = int((steps - STARTS + 1) * UTD)
    learn(folder / "whole", steps, [], sees)
    done = learn(folder / "killed", steps, sorted(random.sample(range(30, updates - 30), kills)), sees)
    whole, resumed = digest(folder / "whole"), digest(folder / "killed")
    same = {name: whole[name] == resumed[name] for name in FILES}
    print("\n".join(f"{name}: {'identical' if equal else 'DIFFERENT'}" for name, equal in same.items()))
    return {"updates": updates, "kills": done, "identical_files": sum(same.values()), "of_files": len(FILES)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    prepare(1)
    steps, kills = (240, 1) if quick else (1200, 6)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stops = {f"checkpoint_{w}": pauses(w, 4 if quick else 20, folder) for w in ((256,) if quick else (256, 1024))}
        figures = compared(folder / "states", steps, kills, sees=False)
        seeing = compared(folder / "images", 120 if quick else 240, 1 if quick else 3, sees=True)
    result("resume", {**figures, "from_images": seeing, **stops}, {})


if __name__ == "__main__":
    main()
