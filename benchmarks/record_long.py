"""One long episode at nominal rates: memory must stay flat, and no step may come late or be missing.

``python benchmarks/record_long.py [--quick] [--minutes 30]``. Two cameras of 128 x 128 pixels, a state and an action at
30 Hz, paced by the clock, in one episode; then the episode is closed, and every file of it is read again. Beside it
runs a loop of the same rate and priority that records nothing: what is late there is the machine's doing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from dataset_write import observation, step, two_cameras
from peers import result
from readers.make_frames import SPEC
from writers.paced import Paced, slow, spread, urgent

from robot_rl.core.records import Source
from robot_rl.data.commit import timing
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter

SAMPLE = 60
"""Steps between two looks at the memory."""


def memory() -> float:
    """Memory of this process that belongs to no file [MB]."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon"))


def record(root: Path, steps: int) -> dict[str, Any]:
    """Record one episode; what it cost."""
    frames, paced, used = two_cameras(0), Paced(SPEC.rate, steps), []
    with EpisodeWriter(root, SPEC) as writer:
        writer.begin({"instruction": "go on"})

        def add(t: int) -> None:
            writer.add(replace(step(SPEC, frames, t), stamp=time.monotonic()))
            if t % SAMPLE == 0:
                used.append(memory())

        paced.run(steps, add)
        recorded = memory()
        start = time.perf_counter()
        writer.end(observation(SPEC, frames, steps))
        closing = time.perf_counter() - start
    settled = used[min(1, len(used) - 1)]
    return {
        **spread("step", paced.cost),
        **slow(paced),
        "latest step ms": round(float(paced.late.max()) * 1e3, 1),
        "memory after the first seconds MB": round(settled, 1),
        "memory grown while recording MB": round(max([*used[1:], recorded]) - settled, 1),
        "memory grown with closing MB": round(memory() - settled, 1),
        "close s": round(closing, 2),
    }


def bare(steps: int) -> None:
    """A loop that does nothing but keep time; prints its stamps as the recorder counts them."""
    stamps: list[float] = []
    Paced(SPEC.rate, steps).run(steps, lambda _: stamps.append(time.monotonic()))
    rows = {"stamp": np.array(stamps), "source": np.full(steps, Source.HUMAN)}
    sys.stdout.write(json.dumps(timing(rows, SPEC.rate)))


def main() -> None:
    """Record, look, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six seconds")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--bare", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    minutes = 0.1 if options.quick else options.minutes
    steps = round(minutes * 60 * SPEC.rate)
    urgent()
    if options.bare:
        bare(options.bare)
        return
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, __file__, "--bare", str(steps)]
        with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as beside:
            figures = record(Path(folder) / "set", steps)
            machine = json.loads(beside.communicate()[0])
        dataset = open_dataset(Path(folder) / "set")
        (episode,) = dataset.episodes()
        counted = {f"{name} steps": episode.timing[name] for name in ("late", "missing")}
        facts = {
            "minutes": minutes,
            "steps": len(episode),
            "GB": round(sum(v.nbytes for v in episode.obs.values()) / 1e9, 2),
        }
        gap, damaged = round(episode.timing["gap"] * 1e3, 1), len(dataset.verify())
    alone = {"late steps": machine["late"], "missing steps": machine["missing"]}
    alone["longest gap ms"] = round(machine["gap"] * 1e3, 1)
    result("record_long", {**facts, **figures, **counted, "longest gap ms": gap, "damaged": damaged}, {}, alone)


if __name__ == "__main__":
    main()
