"""Records into a small file system until it is full, then frees space; says what happened as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from make_episodes import SPEC, observation, step

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter


def state(root: Path) -> dict:
    dataset = open_dataset(root)
    return {
        "lengths": [len(e) for e in dataset.episodes()],
        "names": [e.meta["episode"] for e in dataset.episodes()],
        "rows": [float(e.obs["observation.state"][-1][1]) for e in dataset.episodes()],
        "damaged": [str(path) for path in dataset.verify()],
        "recovered": [str(r) for r in dataset.recovered],
        "left_open": dataset.left_open,
    }


def fill(root: Path, length: int) -> tuple[int, list[str]]:
    """Rows of the open episode that were on the disk when it was full, and the errors of going on regardless."""
    errors: list[str] = []
    writer = EpisodeWriter(root, SPEC)
    name, committed = 0, 0
    while not errors:
        try:
            writer.begin({"episode": name})
            staged = writer._episode  # a short episode is full only when it is closed, and no longer open then
            for row in range(length):
                writer.add(step(name, row))
            writer.end(observation(name, length))
            name += 1
        except DatasetError as error:
            errors.append(str(error))
            committed = staged.committed
    for attempt in (lambda: writer.begin({"episode": 99}), writer.close):
        try:
            attempt()
        except DatasetError as error:
            errors.append(str(error))
    return committed, errors


def discard(root: Path) -> dict:
    """Fill the disk, discard what did not fit, record something that does."""
    with EpisodeWriter(root, SPEC) as writer:
        writer.begin({"episode": 0})
        try:
            for row in range(5000):
                writer.add(step(0, row))
        except DatasetError as error:
            full = str(error)
        writer.discard()
        writer.begin({"episode": 1})
        for row in range(20):
            writer.add(step(1, row))
        writer.end(observation(1, 20))
    return {**state(root), "full": full}


def main() -> None:
    folder, length = Path(sys.argv[1]), int(sys.argv[2])
    if length == 0:
        sys.stdout.write(json.dumps(discard(folder / "set")))
        return
    (folder / "ballast").write_bytes(bytes(1 << 20))
    committed, errors = fill(folder / "set", length)
    full = state(folder / "set")
    os.unlink(folder / "ballast")
    freed = state(folder / "set")
    sys.stdout.write(json.dumps({"committed": committed, "errors": errors, "full": full, "freed": freed}))


if __name__ == "__main__":
    main()
