"""Saves what an arm process that was killed had recorded: its black box outlives it, and is dumped by who outlives it.

Beside the box lies a small file with what a replay needs and the box has not: the arm, its body, the period.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from controllers.black_box.recorder import Recorder, rig_path
from controllers.guard.collision import Shape
from controllers.guard.record import Guarded

SECONDS = 60.0
"""How much is dumped [s]."""


def write_rig(path: Path, rig: Guarded, header: Mapping[str, str | float]) -> None:
    """Note what a replay of the arm of ``rig`` needs; ``header``: at least ``period``, ``to`` and ``of``."""
    content = {f"shape_{name}": np.asarray(value) for name, value in rig.shape._asdict().items()}
    content |= {"arm": rig.arm, "header": np.frombuffer(json.dumps(dict(header)).encode(), np.uint8)}
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        np.savez(file, **content)


def salvage(box: Path) -> Path | None:
    """Dump what a process that is gone left in ``box``, where it would have dumped it itself, and remove the box.

    None when there is nothing: a process that ends by itself removes its box.
    """
    if not (box.exists() and rig_path(box).exists()):
        box.unlink(missing_ok=True)
        return None
    with np.load(rig_path(box), allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    header = json.loads(content["header"].tobytes())
    shape = Shape(*(content[f"shape_{name}"] for name in Shape._fields[:-1]), int(content["shape_exempt"]))
    recorder = Recorder.attach(box)
    last = int(recorder.box.rows["tick"].max(initial=0))
    path = Path(header["to"]) / f"grave_{header['of']}_{last:012d}_killed.npz"
    recorder.dump(path, SECONDS, {**header, "phase": "the arm process was killed"}, content["arm"], shape)
    recorder.unlink()
    return path
