"""Answer a wrong name with the nearest right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from robot_rl.core.errors import ConfigError


def check_name(kind: str, name: str, names: Iterable[str]) -> str:
    """Return ``name`` if it is one of ``names``; else ``ConfigError`` with the nearest ones."""
    known = sorted(names)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known) or '(none)'}"
    raise ConfigError(f"there is no {kind} {name!r}; {hint}")
