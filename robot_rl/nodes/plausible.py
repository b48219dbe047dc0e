"""Whether the numbers of a station file can be meant: a length in millimetres or an angle in degrees stands out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from robot_rl.core.station import Station

Range = tuple[float, float, str]
"""Smallest and largest plausible value, and the unit."""
RANGES: Mapping[str, Range] = {
    "table": (-1.5, 1.5, "m"),
    "max_force": (1.0, 150.0, "N"),
    "state_rate": (10.0, 2000.0, "Hz"),
    "telemetry_rate": (1.0, 1000.0, "Hz"),
    "hold_after": (0.01, 2.0, "s"),
    "loss_ticks": (0, 20, "ticks"),
    "delay_ticks": (0, 10, "ticks"),
    "robot.load_mass": (0.0, 5.0, "kg"),
    "robot.load_com": (-0.5, 0.5, "m"),
    "robot.collision_torque": (5.0, 100.0, "N m"),
    "robot.collision_force": (5.0, 100.0, "N"),
    "robot.patience": (0.01, 1.0, "s"),
    "gripper.force": (1.0, 235.0, "N"),
    "gripper.speed": (0.005, 0.5, "m/s"),
    "gripper.widest": (0.01, 0.3, "m"),
    "cameras.width": (16, 4096, "pixels"),
    "cameras.height": (16, 4096, "pixels"),
    "cameras.rate": (1.0, 240.0, "Hz"),
    **{f"frames.{axis}": (-3.0, 3.0, "m") for axis in "xyz"},
    **{f"frames.{angle}": (-2 * math.pi, 2 * math.pi, "rad") for angle in ("roll", "pitch", "yaw")},
}
"""Key of the station file, without the names of cameras and frames -> what is plausible."""
USUAL_SLIPS = {"m": ("mm", 1000.0), "rad": ("degrees", 180 / math.pi), "s": ("ms", 1000.0), "kg": ("g", 1000.0)}
"""Unit -> the one that is given by mistake, and how many of it make one."""


def implausible(station: Station) -> Iterator[str]:
    """One line for every number that can hardly be meant, with the unit that it must have."""
    for key, name, value in numbers(station):
        if name not in RANGES:
            continue
        low, high, unit = RANGES[name]
        if not low <= value <= high:
            slip, factor = USUAL_SLIPS.get(unit, ("", 1.0))
            meant = f"; is it in {slip}?" if slip and low <= value / factor <= high else ""
            yield f"{key} is {value:g}, plausible are {low:g} to {high:g} {unit}{meant}"


def numbers(station: Station) -> Iterator[tuple[str, str, float]]:
    """Every number: its key, the key without the names of cameras and frames, its value."""
    for field in fields(station):
        value = getattr(station, field.name)
        if isinstance(value, Mapping):
            for name, part in value.items():
                yield from _of(part, f"{field.name}.{name}", field.name)
        elif is_dataclass(value):
            yield from _of(value, field.name, field.name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield field.name, field.name, float(value)


def _of(part: object, key: str, name: str) -> Iterator[tuple[str, str, float]]:
    for field in fields(part):  # type: ignore[arg-type]  (a dataclass: the station's own)
        value = getattr(part, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                yield f"{key}.{field.name}", f"{name}.{field.name}", float(number)
