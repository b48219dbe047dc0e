"""Runs the ticks of a black box's dump again, bit by bit (control.md §3.11)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from controllers.black_box.recorder import load, no_box
from controllers.guard.collision import Shape
from controllers.guard.guarded_tick import guarded_accept, guarded_tick
from controllers.guard.record import Guarded
from robot_rl.core.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay found."""

    ticks: int
    """Ticks that were run again."""
    different: int
    """Ticks whose torque was not the same in every bit; 0 is the promise."""
    first: int
    """Number of the first of them, or -1."""
    reloaded: int
    """Times that the records were loaded anew, because someone outside the tick had changed them."""


def _rig(dump: dict[str, Any]) -> Guarded:
    shape = Shape(*(dump[f"shape_{name}"] for name in ("capsules", "pairs", "obstacles")), int(dump["shape_exempt"]))
    n = dump["arm"]["mass"].shape[-1]
    return Guarded(
        arm=dump["arm"],
        config=dump["configs"][:1].copy(),
        state=dump["states"][:1].copy(),
        guard=dump["guards"][:1].copy(),
        shape=shape,
        ends=np.zeros((len(shape.capsules), 2, 3)),
        box=no_box(n),
    )


def _load(g: Guarded, dump: dict[str, Any], i: int) -> None:
    g.config[:], g.state[:], g.guard[:] = dump["configs"][i], dump["states"][i], dump["guards"][i]


def replay(path: Path) -> Replay:
    """Run every tick of a dump again, from its first snapshot on, and compare the torques.

    ``DatasetError`` when the dump was made by another version of the code, or holds no snapshot to start from.
    """
    dump = load(path)
    rows, moments = dump["rows"], dump["moments"]
    try:
        g = _rig(dump)
        rows = rows[rows["tick"] > moments["tick"][0]]
    except (IndexError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} cannot be replayed: {error}; use the version that recorded it") from None
    shots, commands = {int(tick): i for i, tick in enumerate(moments["tick"])}, _by_tick(dump["notes"])
    different, first, reloaded = 0, -1, 0
    for row in rows:
        before = int(row["tick"]) - 1
        shot = shots.get(before)
        for i in commands.get(before, ()) if before != moments["tick"][0] else ():
            note = dump["notes"][i]
            guarded_accept(g, dump["commands"][i], int(note["epoch"]), float(note["now"]))
        if shot is not None and moments["touched"][shot]:
            _load(g, dump, shot)
            reloaded += 1
        g.guard["ask"], g.state["tau"][0] = row["ask"], row["tau_in"]
        g.state["tau_measured"][0] = row["tau_measured"]
        guarded_tick(g, row["q"].copy(), row["dq"].copy(), row["tau_external"].copy(), float(row["now"]))
        if g.state["tau"][0].tobytes() != row["tau"].tobytes():
            different, first = different + 1, first if first >= 0 else int(row["tick"])
    return Replay(ticks=len(rows), different=different, first=first, reloaded=reloaded)


def _by_tick(notes: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, tick in enumerate(notes["tick"]):
        found.setdefault(int(tick), []).append(i)
    return found
