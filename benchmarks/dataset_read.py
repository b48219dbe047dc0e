"""How fast random batches come out of a dataset, beside a copy of the same bytes and beside what others read with.

``python benchmarks/dataset_read.py [--quick]``. Batches of 256 steps and of 64 windows of 16 steps, 2 cameras of
128 x 128 pixels; all files are in the page cache. The copy and the loader are timed in turns, in short bursts.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from peers import peer_python, result, run_peer
from readers import packages
from readers.make_frames import CAMERAS, SPEC, multiply, record
from readers.urgent import urgent

from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import open_dataset
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.windows import Window

PEERS = {
    "tensorstore": ("tensorstore_zarr", packages.TENSORSTORE),
    "robomimic": ("robomimic_hdf5", packages.ROBOMIMIC),
    "lerobot-video": ("lerobot_mp4", packages.LEROBOT_VIDEO),
}
NAMES = {"tensorstore": "tensorstore zarr3", "robomimic": "robomimic HDF5", "lerobot-video": "LeRobot mp4"}
REPEATS = 5
"""Batches of each candidate in a burst."""


def memory_copy(total: int) -> Callable[[], None]:
    """Copies ``total`` bytes from changing places of a larger memory, half of it by another thread."""
    libc = ctypes.CDLL(None)
    libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    pool = ThreadPoolExecutor(1)
    source, target = np.ones(3 * total, np.uint8), np.zeros(total, np.uint8)
    rng = np.random.default_rng(2)

    def copy() -> None:
        first = int(rng.integers(2 * total)) & ~63
        begin, half = source.ctypes.data + first, total // 2
        other = pool.submit(libc.memcpy, target.ctypes.data + half, begin + half, total - half)
        libc.memcpy(target.ctypes.data, begin, half)
        other.result()

    return copy


def in_turns(candidates: Sequence[Callable[[], Any]], bursts: int) -> list[float]:
    """Median time of each candidate [ms]: medians of short bursts in which they take turns."""
    times: list[list[float]] = [[] for _ in candidates]
    for _ in range(bursts):
        burst: list[list[float]] = [[] for _ in candidates]
        with urgent():
            for _ in range(REPEATS):
                for measured, candidate in zip(burst, candidates, strict=True):
                    start = time.perf_counter()
                    candidate()
                    measured.append(time.perf_counter() - start)
        for measured, kept in zip(burst, times, strict=True):
            kept.append(statistics.median(measured))
        time.sleep(0.15)
    return [statistics.median(kept) * 1e3 for kept in times]


def ours(root: Path, bursts: int) -> tuple[dict[str, float], dict[str, float]]:
    """Our times and the copies' [ms]."""
    corpus = Corpus.of([open_dataset(root)])
    corpus.warm()
    plain = Loader(corpus, LoaderConfig(batch=256, threads=2))
    shifted = Loader(corpus, LoaderConfig(batch=256, threads=2, augmentation=Augmentation()))
    long = Loader(corpus, LoaderConfig(batch=64, threads=2, window=Window(history=16, horizon=16)))
    memory = [loader.empty() for loader in (plain, shifted, long)]
    frames = 256 * len(CAMERAS) * 128 * 128 * 3
    copies = [memory_copy(frames), memory_copy(4 * frames)]
    batch = [copies[0], lambda: plain.sample(memory[0]), lambda: shifted.sample(memory[1])]
    limit, batch_ms, shifted_ms = in_turns(batch, bursts)
    long_limit, windows_ms = in_turns([copies[1], lambda: long.sample(memory[2])], bursts)
    figures = {"batch_ms": batch_ms, "shifted_batch_ms": shifted_ms, "windows_ms": windows_ms}
    return figures, {"batch_ms": limit, "shifted_batch_ms": limit, "windows_ms": long_limit}


def opening(root: Path, episodes: int) -> dict[str, float]:
    """Time until a dataset of many episodes is open, with and without its index, and until a random frame is read."""
    record(root, 1, steps=20)
    multiply(root, episodes)
    times = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401
        with urgent():
            start = time.perf_counter()
            done = work()
            times[name] = (time.perf_counter() - start) * 1e3
        return done

    timed("first_open_ms", lambda: open_dataset(root))
    dataset = timed("open_ms", lambda: open_dataset(root))
    timed("first_frame_ms", lambda: int(dataset.episode(episodes // 2).obs[IMAGES + CAMERAS[0]][7].sum()))
    timed("corpus_ms", lambda: Corpus.of([dataset], SPEC))
    return times


def peer(name: str, source: Path, work: Path, rounds: tuple[int, int]) -> dict[str, Any]:
    """One peer's times [ms], in a process of its own."""
    script, steps = PEERS[name]
    readers = Path(__file__).parent / "readers"
    text = f"import runpy, sys; sys.path.insert(0, {str(readers)!r}); runpy.run_path({str(readers / script)!r} + '.py')"
    return run_peer(peer_python(name, *steps), text, str(source), str(work), *map(str, rounds))


def main() -> None:
    """Print the RESULT line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="our own figures only, less data")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        record(work / "set", 3 if quick else 12)
        peers = {} if quick else {name: peer(name, work / "set", work, (5, 3)) for name in PEERS}
        opened = opening(work / "many", 100 if quick else 1000)
        figures, limit = ours(work / "set", 5 if quick else 40)
    ratios = {f"{key[:-3]}_over_copy": round(figures[key] / limit[key], 3) for key in figures}
    faster = {
        f"{key[:-3]}_faster_than_{NAMES[name]}": round(found[key] / figures[key], 1)
        for name, found in peers.items()
        for key in ("batch_ms", "windows_ms")
    }
    rounded = {key: round(value, 2) for key, value in {**figures, **opened}.items()}
    shown = {NAMES[name]: {k: round(v, 1) if k != "decoder" else v for k, v in f.items()} for name, f in peers.items()}
    copies = {key: round(value, 2) for key, value in limit.items()}
    result("dataset_read", {**rounded, **ratios, **faster}, shown, {"copy by two threads": copies})


if __name__ == "__main__":
    main()
