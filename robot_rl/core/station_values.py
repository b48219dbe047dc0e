"""Values of a station file: each of its type and sign, or one line that says what is wrong."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from robot_rl.core.errors import StationError

POSITIVE = ("force", "speed", "widest", "collision_torque", "collision_force", "max_force", "state_rate")
POSITIVE += ("patience", "telemetry_rate", "hold_after", "width", "height", "rate")
COUNTS = ("loss_ticks", "delay_ticks", "load_mass")


def value_of(path: Path, key: str, value: object, kind: str) -> Any:  # noqa: ANN401  (of the type that ``kind`` says)
    """``value`` as a value of type ``kind``, the annotation of its field; ``StationError`` names the key."""
    if kind.startswith("tuple"):
        return _numbers(path, key, value, kind)
    types = {"int": int, "float": (int, float), "str": str, "bool": bool}.get(kind)
    if types is None:
        return value
    if isinstance(value, bool) != (kind == "bool") or not isinstance(value, types):
        raise StationError(f"{path}: {key} is {value!r}, it must be of type {kind}: correct the file")
    if key.split(".")[-1] in COUNTS and float(str(value)) < 0:
        raise StationError(f"{path}: {key} is {value!r}, it must not be negative: correct the file")
    if key.split(".")[-1] in POSITIVE and not 0 < float(str(value)) < float("inf"):
        raise StationError(f"{path}: {key} is {value!r}, it must be greater than 0: correct the file")
    return float(value) if kind == "float" and isinstance(value, int) else value


def _numbers(path: Path, key: str, value: object, kind: str) -> tuple[float, ...]:
    """As many as the ``kind`` of tuple has, all of its type."""
    whole, count = "int" in kind, kind.count(",") + 1
    allowed = (int,) if whole else (int, float)
    if not isinstance(value, list) or len(value) != count or not all(type(x) in allowed for x in value):
        words = {2: "two", 3: "three", 4: "four"}[count] + (" whole numbers" if whole else " numbers")
        raise StationError(f"{path}: {key} is {value!r}, it must be {words}: correct the file")
    return tuple(value) if whole else tuple(float(x) for x in value)


def hint(name: str, known: Any) -> str:  # noqa: ANN401  (any iterable of names)
    """The nearest right name, or all of them."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
