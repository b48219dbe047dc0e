"""LeRobot's recorder at 30 Hz with its recording script's settings: four threads per camera write PNG, then video.

Run with ``paced.py`` and ``cpu_torchvision.py`` before it.
"""
# ruff: noqa: F821

import json
import sys
import time

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

frames, work, episodes = np.load(sys.argv[1]), sys.argv[2], int(sys.argv[3])
CAMERAS = ("observation.images.front", "observation.images.wrist")
PERIOD = 1 / 30
image = {"dtype": "video", "shape": frames.shape[2:], "names": ["height", "width", "channels"]}
vectors = {
    "observation.state": {"dtype": "float32", "shape": (21,), "names": None},
    "action": {"dtype": "float32", "shape": (7,), "names": None},
}
dataset = LeRobotDataset.create(
    "bench/write",
    fps=30,
    features={**dict.fromkeys(CAMERAS, image), **vectors},
    root=f"{work}/lerobot",
    use_videos=True,
    image_writer_threads=4 * len(CAMERAS),
)
urgent()
paced, closes = Paced(30.0, episodes * (frames.shape[1] - 1)), []
state, action = np.zeros(21, np.float32), np.zeros(7, np.float32)


def add(t: int) -> None:
    """One step."""
    seen = {name: frames[camera, t] for camera, name in enumerate(CAMERAS)}
    dataset.add_frame({**seen, "observation.state": state, "action": action, "task": "x"})


for _ in range(episodes):
    paced.run(frames.shape[1] - 1, add)
    start = time.perf_counter()
    dataset.save_episode()
    closes.append(time.perf_counter() - start)
dataset.finalize()
print(json.dumps({**spread("step", paced.cost), **slow(paced), "close p50 ms": float(np.median(closes)) * 1e3}))
