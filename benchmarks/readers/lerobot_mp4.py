"""Random samples through LeRobotDataset, videos as its own recorder writes them, by each decoder that works."""

import glob
import json
import sys
import time

import cpu_torchvision  # noqa: F401
import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from urgent import urgent

source, work, batches, windows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CAMERAS = ("observation.images.front", "observation.images.wrist")
EPISODES = 3
torch.set_num_threads(2)
rng = np.random.default_rng(1)


def record() -> None:
    """Some of the episodes, by LeRobot."""
    image = {"dtype": "video", "shape": (128, 128, 3), "names": ["height", "width", "channels"]}
    action = {"dtype": "float32", "shape": (7,), "names": None}
    features = {**dict.fromkeys(CAMERAS, image), "action": action}
    written = LeRobotDataset.create("bench/read", fps=30, features=features, root=f"{work}/lerobot", use_videos=True)
    for episode in sorted(glob.glob(f"{source}/episodes/*"))[:EPISODES]:
        frames = {
            n: np.fromfile(glob.glob(f"{episode}/{n}/c.*")[0], np.uint8).reshape(-1, 128, 128, 3) for n in CAMERAS
        }
        for t in range(200):
            written.add_frame({**{n: f[t] for n, f in frames.items()}, "action": np.zeros(7, np.float32), "task": "x"})
        written.save_episode()
    written.finalize()


def timed(dataset: LeRobotDataset, rounds: int, size: int, scale: int) -> float:
    """Median time to get a batch, measured on a part of it, 1 of ``scale`` [ms]."""
    times = []
    for _ in range(rounds):
        rows = rng.integers(len(dataset) - 16, size=size // scale)
        with urgent():
            start = time.perf_counter()
            samples = [dataset[int(row)] for row in rows]
            _ = [torch.stack([sample[name] for sample in samples]) for name in CAMERAS]
            times.append((time.perf_counter() - start) * scale)
        time.sleep(0.5)
    return float(np.median(times)) * 1e3


def decoders() -> list[str]:
    """Those that load, the fastest first: torchcodec needs FFmpeg's libraries (Debian's libavdevice59)."""
    try:
        import torchcodec.decoders  # noqa: F401
    except (ImportError, RuntimeError, OSError):
        return ["pyav"]
    return ["torchcodec", "pyav"]


record()
times = {name: [k / 30 for k in range(16)] for name in CAMERAS}
working = decoders()
found = {"decoder": working[0]}
for backend in working:
    plain = LeRobotDataset("bench/read", root=f"{work}/lerobot", video_backend=backend)
    long = LeRobotDataset("bench/read", root=f"{work}/lerobot", video_backend=backend, delta_timestamps=times)
    label = "" if backend == working[0] else f"{backend}_"
    found[f"{label}batch_ms"] = timed(plain, batches, 256, 8)
    found[f"{label}windows_ms"] = timed(long, windows, 64, 16)
print(json.dumps(found))
