"""A dataset to read: smooth texture, moving boxes and sensor noise, 2 cameras, a state and an action."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.recorder import EpisodeWriter

STEPS = 200
"""Per episode."""
CAMERAS = ("front", "wrist")
SPEC = Spec(
    observation={STATE: Feature((21,)), **{IMAGES + c: Feature((128, 128, 3), "uint8") for c in CAMERAS}},
    action_dim=7,
    rate=30.0,
)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)


def frames(rng: np.random.Generator, count: int) -> np.ndarray:
    """Images, (count, 128, 128, 3)."""
    y, x = np.mgrid[0:128, 0:128] / 128.0
    wave = rng.uniform(2, 9, (2, 3))
    still = 110 + 50 * np.sin(wave[0] * x[..., None] * 2 + wave[1] * y[..., None])
    out = np.empty((count, 128, 128, 3), np.uint8)
    colour, phase = rng.uniform(0, 255, (3, 3)), rng.uniform(0, 6, (3, 2))
    for t in range(count):
        image = still.copy()
        for box in range(3):
            left, top = (48 + 40 * np.sin(phase[box] + t * np.array([0.05, 0.03]) * (box + 1))).astype(int)
            image[top : top + 24, left : left + 24] = colour[box]
        out[t] = np.clip(image + rng.normal(0.0, 2.0, image.shape), 0, 255)
    return out


def record(root: Path, episodes: int, steps: int = STEPS) -> None:
    """Record episodes of ``steps`` steps."""
    rng = np.random.default_rng(0)
    with EpisodeWriter(root, SPEC) as writer:
        for _ in range(episodes):
            images = {IMAGES + c: frames(rng, steps + 1) for c in CAMERAS}
            writer.begin({})
            for t in range(steps):
                writer.add(_step(rng, images, t, t == steps - 1))
            writer.end({STATE: np.zeros(21, np.float32), **{k: v[steps] for k, v in images.items()}})


def _step(rng: np.random.Generator, images: dict[str, np.ndarray], t: int, last: bool) -> StepRecord:
    action = rng.uniform(-1, 1, 7).astype(np.float32)
    obs = {STATE: rng.normal(size=21).astype(np.float32), **{k: v[t] for k, v in images.items()}}
    return StepRecord(
        obs=obs,
        action=action,
        proposal=action,
        reward=float(last),
        success=last,
        terminated=last,
        truncated=False,
        source=Source.HUMAN,
        stamp=t / SPEC.rate,
        energy=ENERGY,
        peak_force=0.0,
    )


def multiply(root: Path, count: int) -> None:
    """Make ``count`` episodes of the first one: the same files under other names, each with a uuid of its own."""
    first = min((root / "episodes").iterdir())
    attributes = json.loads((first / "zarr.json").read_text())
    for number in range(1, count):
        name = str(uuid.UUID(int=number))
        copy = root / "episodes" / f"ep{number:06d}-{name}.zarr"
        shutil.copytree(first, copy, copy_function=_link)
        attributes["attributes"] |= {"number": number, "uuid": name}
        (copy / "zarr.json").unlink()
        (copy / "zarr.json").write_text(json.dumps(attributes))


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
