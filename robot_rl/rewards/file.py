"""Which reward: ``task``, ``key``, the folder of a classifier, or a YAML file that is checked key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from controllers.numeric.rotations import matrix_to_quat
from robot_rl.core.errors import ConfigError
from robot_rl.core.frames import FrameStation
from robot_rl.core.names import check_name
from robot_rl.core.rewards import Reward
from robot_rl.core.station import load_station, station_path
from robot_rl.core.view import View
from robot_rl.rewards.sources import Held, KeyReward, PoseBox, Stage, Stages, TaskReward

FOLDER: Final = Path(__file__).parents[2] / "launch" / "rewards"
"""Where the reward files that come with the project are."""
Triple = tuple[float, float, float]
ANYWHERE: Final = (np.inf, np.inf, np.inf)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What every source may have."""

    kind: str
    hold: int = 1
    """Steps in a row for which it must say success."""
    reward: float = 1.0
    """As a stage: what reaching it is worth."""


@dataclass(frozen=True, kw_only=True)
class Box(Source):
    """A box for the tool."""

    position: Triple
    """Its middle [m]."""
    angles: Triple = (0.0, 0.0, 0.0)
    """Its axes: turned about x, then y, then z [rad]."""
    half: Triple
    """Half its edges [m]."""
    half_angles: Triple = ANYWHERE
    """How far the tool may be turned about its axes [rad]."""
    frame: str = ""
    """Object that carries it; empty: the robot's base."""


@dataclass(frozen=True, kw_only=True)
class Classified(Source):
    """A success classifier."""

    checkpoint: str
    """Its folder, seen from the file."""
    threshold: float = 0.0
    """Probability from which it says success; 0: the one that was chosen in training."""


@dataclass(frozen=True, kw_only=True)
class Staged(Source):
    """Sub-goals in their order."""

    stages: list
    """A source each."""


KINDS: Final = {"task": Source, "key": Source, "pose": Box, "classifier": Classified, "stages": Staged}


Views = Mapping[str, View]
"""What a station shows of its cameras."""


def chosen(name: str, station: str = "") -> str:
    """The reward's name: the one that is given, else the station's choice, else the task's own."""
    return name or (load_station(station).reward if station else "task")


def make_reward(name: str, station: str = "", *, person: bool = True) -> Reward | None:
    """The reward of that name; None for the task's own, which needs no one in its place.

    Args:
        name: ``task``, ``key``, a file of ``launch/rewards``, a path of a .yaml file or of a classifier; empty: the
            station's choice, which is seen from its file.
        station: Station whose views of its cameras a classifier is shown; empty: whole images.
        person: Somebody is there to press keys.
    """
    views = {c: camera.view for c, camera in load_station(station).cameras.items()} if station else {}
    name, given = chosen(name, station), bool(name)
    if name == "task":
        return None
    if name == "key" and not person:
        raise ConfigError("the reward is a person's keys, and no person is here: choose another with --reward")
    if name == "key":
        return KeyReward()
    path = Path(name) if given else station_path(station).parent / name
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return read_reward(path, views)
    if path.is_dir():
        return _classifier(path, 0.0, views)
    known = {p.stem: p for p in FOLDER.glob("*.yaml")}
    return read_reward(known[check_name("reward", name, ["task", "key", *known])], views)


def read_reward(path: Path, views: Views | None = None) -> Reward:
    """The reward that a file describes; ``ConfigError`` names the key that is wrong and the nearest right one."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML ({' '.join(str(error).split())[:120]}): correct the file") from None
    try:
        return _source(_read(data, ""), path.parent, views or {})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _source(section: Source, folder: Path, views: Views) -> Reward:
    """The source of a section of a file in ``folder``."""
    source: Reward
    if isinstance(section, Staged):
        source = Stages([_stage(data, folder, views, f"stages.{i + 1}.") for i, data in enumerate(section.stages)])
    elif isinstance(section, Box):
        turn = FrameStation(roll=section.angles[0], pitch=section.angles[1], yaw=section.angles[2]).transform()
        pose = np.array([*section.position, *matrix_to_quat(np.ascontiguousarray(turn[:3, :3]))])
        source = PoseBox(pose, np.array([*section.half, *section.half_angles]), section.frame)
    elif isinstance(section, Classified):
        source = _classifier(folder / section.checkpoint, section.threshold, views)
    else:
        source = TaskReward() if section.kind == "task" else KeyReward()
    return source if section.hold == 1 else Held(source, section.hold)


def _stage(data: object, folder: Path, views: Views, prefix: str) -> Stage:
    section = _read(data, prefix)
    if section.kind in ("key", "stages"):
        raise ConfigError(f"{prefix}kind is {section.kind!r}: a stage is a task, a pose or a classifier")
    return Stage(_source(section, folder, views), section.reward)


def _classifier(path: Path, threshold: float, views: Views) -> Reward:
    """Torch is needed only for one."""
    from robot_rl.rewards.classifier import ClassifierReward, load_classifier

    return ClassifierReward(load_classifier(path), threshold, views)


def _read(data: object, prefix: str) -> Source:
    """A section, each key of the right type."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{prefix or 'the file '}must map keys to values")
    kind = KINDS[check_name(f"{prefix}kind", str(data.get("kind", "")), KINDS)]
    known = {f.name: f for f in fields(kind)}
    for key in data:
        check_name("key", prefix + str(key), [prefix + name for name in known])
    missing = [name for name, f in known.items() if f.default is f.default_factory and name not in data]
    if missing:
        raise ConfigError(f"the key {prefix}{missing[0]} is missing: add it")
    return kind(**{key: _value(prefix + key, value, str(known[key].type)) for key, value in data.items()})


def _value(key: str, value: object, kind: str) -> Any:  # noqa: ANN401  (of the type that ``kind`` says)
    if kind == "Triple":
        if not isinstance(value, list) or len(value) != 3 or not all(type(x) in (int, float) for x in value):
            raise ConfigError(f"{key} is {value!r}, it must be three numbers")
        return tuple(float(x) for x in value)
    types = {"int": int, "float": (int, float), "str": str, "list": list}[kind]
    if isinstance(value, bool) or not isinstance(value, types):
        raise ConfigError(f"{key} is {value!r}, it must be of type {kind}")
    return float(str(value)) if kind == "float" else value
