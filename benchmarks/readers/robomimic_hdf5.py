"""Random samples through robomimic's own dataset class, contiguous HDF5 as its recorder writes it, nothing cached."""

import glob
import json
import sys
import time

import h5py
import numpy as np
import robomimic.utils.obs_utils as obs_utils
from robomimic.utils.dataset import SequenceDataset
from urgent import urgent

source, work, batches, windows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CAMERAS = ("observation.images.front", "observation.images.wrist")
rng = np.random.default_rng(1)
path = f"{work}/demo.hdf5"
with h5py.File(path, "w") as file:
    data = file.create_group("data")
    episodes = sorted(glob.glob(f"{source}/episodes/*"))
    data.attrs["total"] = 200 * len(episodes)
    data.attrs["env_args"] = json.dumps({"env_name": "none", "type": 1, "env_kwargs": {}})
    for number, episode in enumerate(episodes):
        demo = data.create_group(f"demo_{number}")
        demo.attrs["num_samples"] = 200
        demo["actions"] = np.zeros((200, 7))
        for name in CAMERAS:
            frames = np.fromfile(glob.glob(f"{episode}/{name}/c.*")[0], np.uint8).reshape(-1, 128, 128, 3)
            demo[f"obs/{name}"] = frames[:200]
obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"rgb": list(CAMERAS)}})


def timed(rounds: int, size: int, length: int) -> float:
    """Median time to get ``size`` samples of ``length`` frames and stack them [ms]."""
    dataset = SequenceDataset(
        hdf5_path=path,
        obs_keys=CAMERAS,
        dataset_keys=("actions",),
        seq_length=length,
        hdf5_cache_mode=None,
        load_next_obs=False,
    )
    times = []
    for _ in range(rounds):
        rows = rng.integers(len(dataset), size=size)
        with urgent():
            start = time.perf_counter()
            samples = [dataset[int(row)] for row in rows]
            _ = [np.stack([sample["obs"][name] for sample in samples]) for name in CAMERAS]
            times.append(time.perf_counter() - start)
        time.sleep(0.3)
    return float(np.median(times)) * 1e3


print(json.dumps({"batch_ms": timed(batches, 256, 1), "windows_ms": timed(windows, 64, 16)}))
