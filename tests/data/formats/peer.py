"""Runs a piece of Python with the packages of a peer, in a virtual environment of its own that is kept."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def script(name: str, text: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a script prints last, run with the packages of ``name``."""
    peers, packages = _load("peers"), _load("readers/packages")
    steps = getattr(packages, name.upper().replace("-", "_"))
    return peers.run_peer(peers.peer_python(name, *steps), text, *arguments, timeout=240)


def _load(name: str) -> ModuleType:
    module = f"benchmarks_{name.replace('/', '_')}"
    if module not in sys.modules:
        found = importlib.util.spec_from_file_location(module, BENCHMARKS / f"{name}.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[module] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[module])
    return sys.modules[module]
