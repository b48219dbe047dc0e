"""Random frames through tensorstore: zarr v3, one frame per inner chunk, an episode per shard, no compression."""

import glob
import json
import sys
import time

import numpy as np
import tensorstore as ts
from urgent import urgent

source, work, batches, windows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CAMERAS = ("observation.images.front", "observation.images.wrist")
rng = np.random.default_rng(1)


def store(name: str) -> ts.TensorStore:
    """All frames of a camera in one array."""
    files = sorted(glob.glob(f"{source}/episodes/*/{name}/c.*"))
    parts = [np.fromfile(file, np.uint8).reshape(-1, 128, 128, 3)[:200] for file in files]
    inner = {"chunk_shape": [1, 128, 128, 3], "codecs": [{"name": "bytes"}]}
    metadata = {
        "shape": [200 * len(parts), 128, 128, 3],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [200, 128, 128, 3]}},
        "codecs": [{"name": "sharding_indexed", "configuration": inner}],
    }
    where = {"driver": "file", "path": f"{work}/tensorstore/{name}"}
    array = ts.open({"driver": "zarr3", "kvstore": where, "metadata": metadata}, create=True, open=True).result()
    for e, part in enumerate(parts):
        array[200 * e : 200 * (e + 1)].write(part).result()
    return array


stores = [store(name) for name in CAMERAS]
count = stores[0].shape[0]


def read(rows: np.ndarray) -> list:
    """Both cameras at once."""
    return [future.result() for future in [s[rows].read() for s in stores]]


def timed(rounds: int, rows: callable) -> float:
    """Median time of a batch [ms]."""
    times = []
    read(rows())
    for _ in range(rounds):
        chosen = rows()
        with urgent():
            start = time.perf_counter()
            read(chosen)
            times.append(time.perf_counter() - start)
        time.sleep(0.05)
    return float(np.median(times)) * 1e3


def spans() -> np.ndarray:
    """64 windows of 16 frames."""
    first = rng.integers(count - 16, size=64)
    return (first[:, None] + np.arange(16)).reshape(-1)


batch = timed(batches, lambda: rng.integers(count, size=256))
print(json.dumps({"batch_ms": batch, "windows_ms": timed(windows, spans)}))
