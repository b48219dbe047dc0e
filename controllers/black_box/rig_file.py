"""The small file beside a black box: what a replay needs and the box has not (the arm, its body, the period), and
where dumps go. With it, any process can dump the box: one beside the arm's, or one that outlives it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from controllers.black_box.recorder import rig_path
from controllers.guard.collision import Shape
from controllers.guard.record import Guarded


class RigFile(NamedTuple):
    """What the file holds."""

    arm: np.ndarray
    shape: Shape
    header: dict[str, Any]
    """At least ``period`` [s], ``to`` (folder of the dumps) and ``of`` (the arm's name in their names)."""


def write_rig(box: Path, rig: Guarded, header: Mapping[str, str | float]) -> None:
    """Write the file beside ``box``; ``header``: see ``RigFile``."""
    content = {f"shape_{name}": np.asarray(value) for name, value in rig.shape._asdict().items()}
    content |= {"arm": rig.arm, "header": np.frombuffer(json.dumps(dict(header)).encode(), np.uint8)}
    with rig_path(box).open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        np.savez(file, **content)


def read_rig(box: Path) -> RigFile:
    """Read the file beside ``box``."""
    with np.load(rig_path(box), allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    shape = Shape(*(content[f"shape_{name}"] for name in Shape._fields[:-1]), int(content["shape_exempt"]))
    return RigFile(content["arm"], shape, json.loads(content["header"].tobytes()))
