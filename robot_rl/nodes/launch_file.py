"""Reads the part of ROS 2's YAML launch format that we use: arg, set_env, executable; $(var), $(env), $(dirname)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name

FOLDER = Path(__file__).parents[2] / "launch"
KEYS = {
    "arg": {"name", "default", "description"},
    "set_env": {"name", "value"},
    "executable": {"name", "cmd", "output"},
}
SUBSTITUTION = re.compile(r"\$\((\w+)(?:\s+([^()\s]+))?(?:\s+([^()]*))?\)")


@dataclass
class Plan:
    """What a launch file comes to."""

    environment: dict[str, str] = field(default_factory=dict)
    """Variables for every process."""
    processes: dict[str, list[str]] = field(default_factory=dict)
    """Name -> command line."""


def read_launch(name: str, arguments: Mapping[str, str], environment: Mapping[str, str]) -> Plan:
    """The plan of ``launch/<name>`` with these arguments; ``ConfigError`` for anything that it does not know."""
    path = FOLDER / name
    check_name("launch file", name, [p.name for p in FOLDER.glob("*.launch.yaml")])
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["launch"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a launch file ({' '.join(str(error).split())[:100]}): correct it") from None
    values = {"dirname": str(path.parent)}
    plan = Plan()
    known: list[str] = []
    for entry in entries:
        kind, body = _entry(path, entry)
        if kind == "arg":
            known.append(body["name"])
            values[f"var {body['name']}"] = arguments.get(body["name"], body.get("default", ""))
        elif kind == "set_env":
            plan.environment[body["name"]] = _filled(body["value"], values, environment)
        else:
            plan.processes[body["name"]] = shlex.split(_filled(body["cmd"], values, environment))
    for argument in arguments:
        check_name(f"argument of {name}", argument, known)
    return plan


def _entry(path: Path, entry: Any) -> tuple[str, dict[str, str]]:  # noqa: ANN401  (as YAML gives it)
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ConfigError(f"{path}: every entry must be one of {', '.join(KEYS)}: correct it")
    kind, body = next(iter(entry.items()))
    check_name(f"entry (in {path.name})", str(kind), KEYS)
    for key in body:
        check_name(f"key of {kind} (in {path.name})", str(key), KEYS[kind])
    return kind, {key: str(value) for key, value in body.items()}


def _filled(text: str, values: Mapping[str, str], environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        kind, name, default = match.groups()
        if kind == "env":
            return environment.get(name, default or "")
        key = kind if name is None else f"{kind} {name}"
        check_name("substitution", key, values)
        return values[key]

    return SUBSTITUTION.sub(value, text)
