"""What recording costs the control loop, and how long an episode takes to be safe on the disk.

``python benchmarks/dataset_write.py [--quick] [--minutes M]``. Two cameras of 128 x 128 pixels, a state, an action at
30 Hz, in episodes of 200 steps, at the priority of a control loop, on two cores. Peer: LeRobot's recorder on the same
frames, in a virtual environment of its own. Limit: the same bytes appended to one file by one call, and no more.
Then three cameras of 640 x 480 at 30 Hz: 83 MB/s.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from peers import peer_python, result, run_peer
from readers import make_frames, packages
from writers.paced import Paced, slow, spread, urgent

from robot_rl.core.records import Observation, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter

STEPS = make_frames.STEPS
LARGE = Spec(
    observation={STATE: Feature((21,)), **{IMAGES + c: Feature((480, 640, 3), "uint8") for c in ("a", "b", "c")}},
    action_dim=7,
    rate=30.0,
)


def two_cameras(seed: int) -> np.ndarray:
    """Frames of an episode, (2, T + 1, H, W, 3)."""
    rng = np.random.default_rng(seed)
    return np.stack([make_frames.frames(rng, STEPS + 1) for _ in make_frames.CAMERAS])


def large_frames() -> np.ndarray:
    """A few frames of each camera, (3, 8, H, W, 3)."""
    return np.random.default_rng(0).integers(0, 255, (3, 8, 480, 640, 3), dtype=np.uint8)


def observation(spec: Spec, frames: np.ndarray, t: int) -> Observation:
    """What was seen at step ``t``."""
    seen = {IMAGES + name: frames[i, t % frames.shape[1]] for i, name in enumerate(spec.cameras)}
    return {STATE: np.full(21, t, np.float32), **seen}


def step(spec: Spec, frames: np.ndarray, t: int) -> StepRecord:
    """A step as a control loop would hand it over."""
    action = np.zeros(7, np.float32)
    return StepRecord(
        obs=observation(spec, frames, t),
        action=action,
        proposal=action,
        reward=0.0,
        success=False,
        terminated=False,
        truncated=False,
        source=Source.HUMAN,
        stamp=t / spec.rate,
        energy=make_frames.ENERGY,
        peak_force=0.0,
    )


def record(root: Path, spec: Spec, frames: np.ndarray, episodes: int, steps: int) -> dict[str, Any]:
    """Record ``episodes`` of ``steps``; what it cost."""
    paced, closes, behind = Paced(spec.rate, episodes * steps), [], 0
    cpu, wall = time.process_time(), time.perf_counter()
    with EpisodeWriter(root, spec) as writer:

        def add(t: int) -> None:
            nonlocal behind
            writer.add(step(spec, frames, t))
            behind = max(behind, t + 1 - writer.committed)

        for _ in range(episodes):
            writer.begin({})
            paced.run(steps, add)
            start = time.perf_counter()
            writer.end(observation(spec, frames, steps))
            closes.append(time.perf_counter() - start)
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    late = int((paced.late > 0).sum())
    figures = {**spread("step", paced.cost), **slow(paced), **spread("close", closes)}
    return {**figures, "steps": len(paced.cost), "late steps": late, "cores used": round(share, 3), "behind": behind}


def append_only(file: Path, frames: np.ndarray, steps: int) -> dict[str, Any]:
    """The bytes of each step in one call of ``write``, nothing else."""
    rows = np.ascontiguousarray(frames.transpose(1, 0, 2, 3, 4)).reshape(frames.shape[1], -1)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    paced = Paced(30.0, steps)
    paced.run(steps, lambda t: np.testing.assert_equal(os.write(descriptor, rows[t % len(rows)].data), rows[0].nbytes))
    os.fdatasync(descriptor)
    os.close(descriptor)
    return {**spread("step", paced.cost), **slow(paced)}


def lerobot(work: Path, frames: np.ndarray, episodes: int) -> dict[str, Any]:
    """The same by LeRobot."""
    np.save(work / "frames.npy", frames)
    folder = Path(__file__).parent
    parts = ("writers/paced.py", "readers/cpu_torchvision.py", "writers/lerobot_writer.py")
    script = "\n".join((folder / part).read_text(encoding="utf-8") for part in parts)
    python = peer_python("lerobot-video", *packages.LEROBOT_VIDEO)
    return run_peer(python, script, str(work / "frames.npy"), str(work), str(episodes), timeout=3600.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds, without the peer")
    parser.add_argument("--minutes", type=float, default=10.0, help="of our recording at 30 Hz")
    options = parser.parse_args()
    episodes = 1 if options.quick else max(1, round(options.minutes * 60 * 30 / STEPS))
    frames = two_cameras(0)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_DISK")) as folder:
        work = Path(folder)
        peers = {} if options.quick else {"LeRobot 0.4.4": lerobot(work, frames, max(2, episodes // 15))}
        urgent()
        ours = record(work / "set", make_frames.SPEC, frames, episodes, 60 if options.quick else STEPS)
        damaged = len(open_dataset(work / "set").verify())
        limit = append_only(work / "raw", frames, 60 if options.quick else 10 * STEPS)
        large = record(work / "large", LARGE, large_frames(), 1 if options.quick else 3, 60 if options.quick else 600)
    figures = {"2 x 128x128": {**ours, "damaged": damaged}, "3 x 640x480": {**large, "MB/s": 82.9}}
    nested = {name: {"2 x 128x128": values} for name, values in peers.items()}
    result("dataset_write", figures, nested, {"2 x 128x128": limit})


if __name__ == "__main__":
    main()
