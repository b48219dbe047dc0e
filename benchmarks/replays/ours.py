"""Our replay, filled for the benchmark, and what it takes: memory, time to be there again, wrong pairs."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from readers.make_frames import CAMERAS, ENERGY, SPEC
from replays.frame_ring import FrameRing
from replays.interventions import SIDE, Episode, episodes, foreign, image

from robot_rl.core.records import Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.replay import Replay

EPISODE = 100
"""Steps."""
FRAME = IMAGES + "eye"
SMALL = Spec(observation={STATE: Feature((2,)), FRAME: Feature((SIDE, SIDE, 3), "uint8")}, action_dim=1, rate=10.0)


def record(obs: dict[str, np.ndarray], action: int, **said: Any) -> StepRecord:  # noqa: ANN401
    """A step of which nothing but its observation matters."""
    done = np.zeros(action, np.float32)
    plain = StepRecord(
        obs=obs,
        action=done,
        proposal=done,
        reward=0.0,
        success=False,
        terminated=False,
        truncated=False,
        source=Source.POLICY,
        stamp=0.0,
        energy=ENERGY,
        peak_force=0.0,
    )
    return replace(plain, **said)


def noise(count: int) -> list[np.ndarray]:
    """Images that nothing can compress."""
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (count, 128, 128, 3), dtype=np.uint8))


def fill(replay: Replay, steps: int) -> float:
    """Episodes of ``EPISODE`` steps with two cameras; returns the median time of a step [us]."""
    frames = itertools.cycle(noise(61))
    times = []
    for _ in range(steps // EPISODE):
        for row in range(EPISODE + 1):
            obs = {STATE: np.zeros(21, np.float32), **{IMAGES + c: next(frames) for c in CAMERAS}}
            if row == EPISODE:
                replay.end(obs)
                break
            step = record(obs, 7)
            start = time.perf_counter()
            replay.add(step)
            times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6


def fill_ring(ring: FrameRing, steps: int) -> None:
    """The same for the other buffer."""
    frames = itertools.cycle(noise(61))
    columns = {"state": 0.0, "next_state": 0.0, "action": 0.0, "reward": 0.0, "mask": 1.0}
    for step in range(steps):
        now, then = ({c: next(frames) for c in CAMERAS} for _ in range(2))
        ring.insert(now, then, columns, done=step % EPISODE == EPISODE - 1)


def memory(steps: int) -> dict[str, float]:
    """What a filled replay takes beside its raw frames [B]."""
    before = _anonymous()
    replay = Replay(SPEC, steps + steps // EPISODE, seed=0)
    fill(replay, steps)
    taken, raw = _anonymous() - before, steps * len(CAMERAS) * 128 * 128 * 3
    assert len(replay) == steps
    return {"ram_over_raw_frames": taken / raw, "ram_GB_per_100k_steps": taken / steps * 1e5 / 1e9}


def _anonymous() -> int:
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def wrong_pairs() -> dict[str, float]:
    """Shares of drawn pairs with foreign frames under random take-overs, time-outs and interruptions."""
    replay = Replay(SMALL, 20_000, seed=0)
    half = FrameRing(20_000, {"eye": (SIDE, SIDE, 3)}, 2, 1)
    for episode in episodes(150, seed=0):
        _ours(replay, episode)
        _theirs(half, episode)
    corrections = replay.corrections(seed=1)
    shares = {}
    for name, sample in (("pairs", replay.sample), ("pairs_in_corrections", corrections.sample)):
        batch = sample(5000)
        found = batch.obs[FRAME], batch.next_obs[FRAME], batch.obs[STATE], batch.discount > 0
        shares[f"wrong_{name}"] = foreign(*found)
    batch = half.sample(5000)
    pairs = batch["eye"]
    return {**shares, "serl": foreign(pairs[:, 0], pairs[:, 1], batch["state"], batch["mask"] > 0)}


def _look(episode: int, row: int) -> dict[str, np.ndarray]:
    return {STATE: np.array([episode, row], np.float32), FRAME: image(episode, row)}


def _ours(replay: Replay, episode: Episode) -> None:
    replay.begin({})
    last = len(episode.human) - 1
    for row, human in enumerate(episode.human):
        ends = {end: row == last and episode.end == end for end in ("terminated", "truncated")}
        source = Source.HUMAN if human else Source.POLICY
        replay.add(record(_look(episode.number, row), 1, source=source, **ends))
    replay.end(None if episode.end == "interrupted" else _look(episode.number, last + 1))


def _theirs(half: FrameRing, episode: Episode) -> None:
    """A person's steps only; time-outs and terminations are one and the same there."""
    last = len(episode.human) - 1
    for row in np.flatnonzero(episode.human):
        now, then = (_look(episode.number, int(r)) for r in (row, row + 1))
        done = bool(row == last)
        columns = {"state": now[STATE], "next_state": then[STATE], "action": 0.0, "reward": 0.0, "mask": 1.0 - done}
        half.insert({"eye": now[FRAME]}, {"eye": then[FRAME]}, columns, done)


def sampler(replay: Replay, **how: Any) -> Callable[[], Any]:  # noqa: ANN401
    """Draws batches of 256 into memory that is there already."""
    out = replay.sample(256, **how)
    return lambda: replay.sample(256, out=out, **how)
