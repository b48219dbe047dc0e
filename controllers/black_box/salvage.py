"""Saves what an arm process that was killed had recorded: its black box outlives it, and so does who dumps it."""

from __future__ import annotations

from pathlib import Path

from controllers.black_box.recorder import Recorder, rig_path
from controllers.black_box.rig_file import read_rig

SECONDS = 60.0
"""How much is dumped [s]."""


def salvage(box: Path) -> Path | None:
    """Dump what a process that is gone left in ``box``, where it would have been dumped, and remove the box.

    None when there is nothing: a process that ends by itself removes its box.
    """
    if not (box.exists() and rig_path(box).exists()):
        box.unlink(missing_ok=True)
        return None
    rig, recorder = read_rig(box), Recorder.attach(box)
    last = int(recorder.box.rows["tick"].max(initial=0))
    path = Path(rig.header["to"]) / f"grave_{rig.header['of']}_{last:012d}_killed.npz"
    recorder.dump(path, SECONDS, {**rig.header, "phase": "the arm process was killed"}, rig.arm, rig.shape)
    recorder.unlink()
    return path
