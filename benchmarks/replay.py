"""How fast transitions with images come out of a replay, beside a copy of the same bytes and beside others' buffers.

``python benchmarks/replay.py [--quick]``. Batches of 256 transitions: observation and next one, each two cameras of
128 x 128 x 3 bytes and a state. The copy, our replay and SERL's (made anew from its description) are timed in turns,
in short bursts; LeRobot's own buffer in its own process. Then: memory, a restart, pairs that do not belong together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from dataset_read import in_turns, memory_copy
from learners.lerobot_rl import lerobot_python
from peers import result, run_peer
from readers.make_frames import CAMERAS, SPEC, record
from replays import ours, restart
from replays.frame_ring import FrameRing

from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay

SHIFT = Augmentation(shift=4, together=True)
BYTES = 2 * 256 * len(CAMERAS) * 128 * 128 * 3


def sampling(steps: int, bursts: int) -> tuple[dict[str, float], float, float]:
    """Our times, SERL's and the copy's, of one batch [ms]."""
    replay, demos = (Replay(SPEC, steps + steps // ours.EPISODE, seed) for seed in (0, 1))
    add = ours.fill(replay, steps)
    ours.fill(replay, steps)  # once more over memory that is there
    ours.fill(demos, steps // 4)
    ring = FrameRing(steps, {c: (128, 128, 3) for c in CAMERAS}, 21, 7)
    ours.fill_ring(ring, steps)
    mixture = Mixture(replay, demos, 0.5)
    plain, shifted = ours.sampler(replay), ours.sampler(replay, augmentation=SHIFT)
    out = mixture.sample(256)
    mixed = [lambda: mixture.sample(256, out=out), lambda: mixture.sample(256, 3, 0.99, out, SHIFT)]
    candidates = [memory_copy(BYTES), plain, shifted, *mixed, lambda: ring.sample(256)]
    limit, *found, serl = in_turns(candidates, bursts)
    names = ("batch_ms", "shifted_batch_ms", "mixed_batch_ms", "mixed_shifted_3_step_ms")
    return {**dict(zip(names, found, strict=True)), "add_us": add}, serl, limit


def lerobot(steps: int, repeats: int) -> dict[str, Any]:
    """LeRobot's figures, in a process of its own."""
    folder = Path(__file__).parent / "replays"
    script = folder / "lerobot_buffer.py"
    places = [str(folder), str(folder.parent)]
    text = f"import runpy, sys; sys.path[:0] = {places!r}; runpy.run_path({str(script)!r}, run_name='__main__')"
    return run_peer(lerobot_python(), text, str(steps), str(repeats))


def main() -> None:
    """Print the RESULT line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no LeRobot, less data")
    quick = parser.parse_args().quick
    held = ours.memory(400 if quick else 4000)
    found, serl, limit = sampling(400 if quick else 3000, 4 if quick else 40)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        record(root, 1, steps=ours.EPISODE)
        again = {
            **restart.mapped(root, 40 if quick else 1000),
            **restart.learner(Path(folder), 400 if quick else 4000),
        }
    pairs = ours.wrong_pairs()
    peers = {"SERL": {"batch_ms": serl, "wrong_pairs_in_corrections": pairs.pop("serl")}}
    if not quick:
        peers["LeRobot"] = lerobot(800, 10)
    ratios = {
        "batch_over_copy": found["batch_ms"] / limit,
        "shift_over_batch": found["shifted_batch_ms"] / found["batch_ms"],
        "shifted_batch_over_copy": found["shifted_batch_ms"] / limit,
        "mixed_batch_over_copy": found["mixed_batch_ms"] / limit,
    }
    faster = {f"faster_than_{name}": told["batch_ms"] / found["batch_ms"] for name, told in peers.items()}
    figures = {**found, **ratios, **faster, **held, **again, **pairs}
    shown = {name: {k: round(v, 4) for k, v in told.items()} for name, told in peers.items()}
    rounded = {key: round(value, 4) for key, value in figures.items()}
    result("replay", rounded, shown, {"copy by two threads": {"batch_ms": round(limit, 3)}})


if __name__ == "__main__":
    main()
