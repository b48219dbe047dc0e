"""LeRobot's own replay buffer: time of a batch, and the share of wrong pairs in its half for corrections.

Run with the interpreter of ``learners/lerobot_rl.py``: ``steps`` and ``repeats`` as arguments; prints one JSON line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from interventions import episodes, foreign, image
from lerobot.rl.buffer import ReplayBuffer, random_shift
from readers.urgent import urgent

torch.set_num_threads(2)
CAMERAS = ("observation.images.front", "observation.images.wrist")
STATE = "observation.state"


def filled(steps: int, shift: bool) -> ReplayBuffer:
    """Two cameras of 128 x 128 pixels; it keeps every image as float32."""
    keys = [*CAMERAS, STATE]
    augment = {"image_augmentation_function": random_shift}  # not compiled: what it compiles to depends on the day
    buffer = ReplayBuffer(steps, device="cpu", state_keys=keys, use_drq=shift, optimize_memory=True, **augment)
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        frame = torch.randint(0, 256, (1, 3, 128, 128), generator=generator).float()
        obs = {**dict.fromkeys(CAMERAS, frame), STATE: torch.zeros(1, 21)}
        buffer.add(obs, torch.zeros(1, 7), 0.0, obs, done=step % 100 == 99, truncated=False)
    return buffer


def milliseconds(work: Callable[[], Any], repeats: int) -> float:
    """Median."""
    work()
    times = []
    for _ in range(repeats):
        with urgent():
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def wrong_pairs() -> float:
    """Only a person's steps are added, as its learner does; the next state is the next row."""
    buffer = ReplayBuffer(10_000, device="cpu", state_keys=["image", STATE], use_drq=False, optimize_memory=True)
    for episode in episodes(150, seed=0):
        steps = len(episode.human)
        for row in np.flatnonzero(episode.human):
            now, then = (
                {
                    "image": torch.from_numpy(image(episode.number, r)).float()[None],
                    STATE: torch.tensor([[episode.number, r]]).float(),
                }
                for r in (int(row), int(row) + 1)
            )
            last = int(row) == steps - 1
            done, truncated = last and episode.end == "terminated", last and episode.end == "truncated"
            buffer.add(now, torch.zeros(1, 1), 0.0, then, done=done, truncated=truncated)
    batch = buffer.sample(5000)
    frames, following = (batch[k]["image"].numpy().astype(np.uint8) for k in ("state", "next_state"))
    return foreign(frames, following, batch["state"][STATE].numpy(), batch["done"].numpy() == 0)


def main() -> None:
    """Print the figures."""
    steps, repeats = (int(x) for x in sys.argv[1:3])
    plain, shifted = filled(steps, shift=False), filled(steps, shift=True)
    rows = sum(tensor.nbytes for tensor in plain.states.values()) / steps
    found = {
        "batch_ms": milliseconds(lambda: plain.sample(256), repeats),
        "shifted_batch_ms": milliseconds(lambda: shifted.sample(256), repeats),
        "ram_GB_per_100k_steps": rows * 1e5 / 1e9,
        "wrong_pairs_in_corrections": wrong_pairs(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
