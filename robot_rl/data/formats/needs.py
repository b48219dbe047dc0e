"""Packages that only conversions need, imported when one is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from robot_rl.core.errors import ConfigError


def need(module: str) -> ModuleType:
    """Import a package of the extra ``formats``; one clear line when it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise ConfigError(f"{package} is not installed: run pip install 'robot-rl[formats]'") from None
