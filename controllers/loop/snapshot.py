"""What the arm process shares with its bridge: one flat vector of float64 for the state, one for a command.

Whole numbers stand exactly in a float64 up to 2^53. A flat vector crosses shared memory and ROS unchanged, and
``names`` says what every number is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Array, Command, EnergyState, Mode, RobotState, Source, StiffnessFrame

ENERGY = ("tank", "spring", "work", "budget", "scale", "mode", "violations", "worst_ratio")
LOOP = ("rejected", "accepted", "ticks", "resets", "seed", "halted", "connected", "missed", "fifo", "digest")
"""Counters and flags of the arm process; ``digest``: a hash of the torques of all its ticks, 53 bits of it."""
GUARD = ("phase", "reason", "owner", "epoch", "ignored")
"""Of the guard around the arm: ``lifecycle.Phase`` and ``Reason``, who owns the arm under which lease, and how many
commands were not their turn."""
LATENESS = ("lateness_p50", "lateness_p99", "lateness_max", "compute_p50", "compute_p99", "compute_mean", "compute_std")
"""How late the loop woke, and how long its tick took [s]."""
LARGEST = 2.0**53
"""Whole numbers below this stand exactly in a float64."""
COMMAND = np.dtype(
    [
        ("stamp", "f8"),
        ("seq", "f8"),
        ("valid_until", "f8"),
        ("duration", "f8"),
        ("pose", "f8", 7),
        ("gripper", "f8"),
        ("stiffness", "f8", 21),
        ("stiffness_frame", "f8"),
        ("feed_forward", "f8", 6),
        ("source", "f8"),
        ("epoch", "f8"),
    ]
)
"""A ``Command``. Numbers of the stiffness that are missing are not numbers; where all are, the present one is kept."""
STIFFNESSES = (2, 6, 21)
"""How many numbers a stiffness may have."""


@lru_cache(maxsize=8)
def snapshot_dtype(joints: int, objects: tuple[str, ...]) -> np.dtype[np.void]:
    """The state of an arm of ``joints`` joints and of the tracked ``objects`` at one instant."""
    arm = [("stamp", "f8"), *((name, "f8", joints) for name in ("q", "dq", "tau"))]
    tcp = [
        ("ee_pose", "f8", 7),
        ("ee_twist", "f8", 6),
        ("wrench", "f8", 6),
        ("reference", "f8", 7),
        ("gripper", "f8"),
        ("peak_force", "f8"),
    ]
    rest = [(name, "f8") for name in (*ENERGY, *LOOP, *GUARD, *LATENESS)]
    return np.dtype([*arm, *tcp, *rest, *((f"object.{name}", "f8", 7) for name in objects)])


def names(dtype: np.dtype[np.void]) -> list[str]:
    """One name per number of the flat vector: ``q.0``, ``q.1``, ... ``tank`` ..."""
    flat: list[str] = []
    for field in dtype.names or ():
        size = dtype[field].itemsize // 8
        flat += [field] if size == 1 else [f"{field}.{i}" for i in range(size)]
    return flat


def objects_of(dtype: np.dtype[np.void]) -> list[str]:
    """The tracked objects of a snapshot."""
    return [field.removeprefix("object.") for field in dtype.names or () if field.startswith("object.")]


def dtype_from_names(flat: Sequence[str]) -> np.dtype[np.void]:
    """The snapshot's type that ``names`` described."""
    joints = sum(name.startswith("q.") for name in flat)
    tracked = tuple(name[len("object.") : -2] for name in flat if name.startswith("object.") and name.endswith(".0"))
    return snapshot_dtype(joints, tracked)


def write_state(record: NDArray[np.void], state: RobotState, objects: Mapping[str, Array]) -> None:
    """Copy a state into a 0-d snapshot record."""
    for field in ("stamp", "q", "dq", "tau", "ee_pose", "ee_twist", "wrench", "reference", "gripper", "peak_force"):
        record[field] = getattr(state, field)
    for field in ENERGY:
        record[field] = getattr(state.energy, field)
    for name, pose in objects.items():
        record[f"object.{name}"] = pose


def read_state(record: NDArray[np.void]) -> RobotState:
    """The state in a snapshot; its arrays are fresh."""
    vector = {field: np.array(record[field]) for field in ("q", "dq", "tau", "ee_pose", "ee_twist", "wrench")}
    return RobotState(
        stamp=float(record["stamp"]),
        reference=np.array(record["reference"]),
        gripper=float(record["gripper"]),
        peak_force=float(record["peak_force"]),
        energy=read_energy(record),
        **vector,
    )


def read_energy(record: NDArray[np.void]) -> EnergyState:
    """The ledger in a snapshot."""
    return EnergyState(
        tank=float(record["tank"]),
        spring=float(record["spring"]),
        work=float(record["work"]),
        budget=float(record["budget"]),
        scale=float(record["scale"]),
        mode=Mode(int(record["mode"])),
        violations=int(record["violations"]),
        worst_ratio=float(record["worst_ratio"]),
    )


def read_objects(record: NDArray[np.void]) -> dict[str, Array]:
    """The tracked poses in a snapshot, fresh."""
    return {name: np.array(record[f"object.{name}"]) for name in objects_of(record.dtype)}


def write_command(record: NDArray[np.void], command: Command, epoch: int = 0) -> None:
    """Copy a command into a 0-d command record; numbers that are not finite go through as they are."""
    for field in ("stamp", "seq", "valid_until", "duration", "pose", "gripper"):
        record[field] = getattr(command, field)
    record["stiffness"] = np.nan
    if command.stiffness is not None:
        size = np.size(command.stiffness)
        if size not in STIFFNESSES:
            raise CommandRejectedError(f"command {command.seq} has {size} numbers of stiffness: give 2, 6 or 21")
        record["stiffness"][:size] = command.stiffness
    record["stiffness_frame"] = int(command.stiffness_frame)
    record["feed_forward"] = 0.0 if command.feed_forward is None else command.feed_forward
    record["source"], record["epoch"] = int(command.source), epoch


def read_command(record: NDArray[np.void], shift: float = 0.0) -> Command:
    """The command in a record, its two times moved by ``shift`` [s] into the clock of the arm.

    Numbers of the target that are not finite come through, for the controller to refuse; a command without a usable
    number or source raises ``CommandRejectedError`` here.
    """
    seq, source, frame = (float(record[name]) for name in ("seq", "source", "stiffness_frame"))
    if not abs(seq) < LARGEST or source not in set(map(float, Source)) or frame not in set(map(float, StiffnessFrame)):
        raise CommandRejectedError(f"a command has the number {seq} and the source {source}: correct its sender")
    stiffness = np.array(record["stiffness"])
    given = np.flatnonzero(~np.isnan(stiffness))
    size = min(n for n in STIFFNESSES if n > given[-1]) if len(given) else 0
    return Command(
        stamp=float(record["stamp"]) + shift,
        seq=int(seq),
        valid_until=float(record["valid_until"]) + shift,
        duration=float(record["duration"]),
        pose=np.array(record["pose"]),
        gripper=float(record["gripper"]),
        stiffness=stiffness[:size] if size else None,
        source=Source(int(source)),
        stiffness_frame=StiffnessFrame(int(frame)),
        feed_forward=np.array(record["feed_forward"]) if np.any(record["feed_forward"] != 0.0) else None,
    )
