"""Which program made a dataset: kept with every episode, so that a figure can be traced to what produced it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@cache
def provenance() -> dict[str, str]:
    """Host, and git commit of this program ("-changed" when files differ from it; empty when it is installed)."""
    commit = _git("rev-parse", "HEAD")
    changed = "-changed" if commit and _git("status", "--porcelain", "--untracked-files=no") else ""
    return {"git": commit + changed, "host": platform.node()}


def fingerprint(config: Any) -> str:  # noqa: ANN401
    """SHA-256 over the fields of a configuration (a dataclass, or plain types): equal settings have equal prints."""
    plain = dataclasses.asdict(config) if dataclasses.is_dataclass(config) and not isinstance(config, type) else config
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def _git(*arguments: str) -> str:
    try:
        call = ["git", "-C", str(ROOT), *arguments]
        done = subprocess.run(call, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
