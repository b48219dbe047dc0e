"""Station files: which arm, which cameras, which rates and limits. YAML, checked key by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from robot_rl.core.errors import StationError
from robot_rl.core.frames import FrameStation, FrameTree
from robot_rl.core.station_values import hint, value_of
from robot_rl.core.view import View

FOLDER = Path(__file__).parents[2] / "launch" / "stations"
"""Where the stations that come with the project are."""
DRIVERS = {
    "twin": (),
    "franka": ("collision_torque", "collision_force", "load_mass", "load_com", "soft_realtime"),
    "ur": ("mode", "patience", "soft_realtime"),
}
"""What moves, and which keys of ``robot`` it knows beside ``address`` and ``arm``."""
ARMS = {"franka": ("auto", "fer", "fr3"), "ur": ("ur5e",)}
"""Arms of every driver; the first is what ``auto`` comes to."""
MODES = ("auto", "torque", "velocity")
GRIPPERS = ("franka_hand", "robotiq")


@dataclass(frozen=True, kw_only=True)
class CameraStation:
    """One camera."""

    width: int
    """[pixels]."""
    height: int
    """[pixels]."""
    rate: float
    """Images per second [Hz]."""
    crop: tuple[int, int, int, int] | None = None
    """What observations show of it: first row, first column, height, width [pixels]; None: all."""
    size: tuple[int, int] | None = None
    """Height and width that this is scaled to [pixels]; None: not at all."""

    @property
    def view(self) -> View:
        """What observations show of it."""
        return View(crop=self.crop, size=self.size)


@dataclass(frozen=True, kw_only=True)
class RobotStation:
    """A robot on its wire."""

    address: str
    """Of its control unit."""
    arm: str = "auto"
    """Which arm it is, ``ARMS``; ``auto``: the robot itself says so."""
    mode: str = "auto"
    """UR: led by ``torque`` or by ``velocity``; ``auto``: by torque where the controller allows it."""
    load_mass: float = 0.0
    """Franka: of what it holds besides its configured end effector [kg]."""
    load_com: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Franka: centre of that mass in the flange's frame [m]."""
    collision_torque: float = 30.0
    """Franka: it stops itself above this external torque [N m]."""
    collision_force: float = 30.0
    """Franka: it stops itself above this external force [N]."""
    patience: float = 0.1
    """UR: without a packet for this long the connection counts as lost [s]."""
    soft_realtime: bool = False
    """Start even on a loop that does not keep time; Franka: also without a real-time kernel. For trials."""


@dataclass(frozen=True, kw_only=True)
class GripperStation:
    """A gripper on its wire."""

    kind: str
    """One of ``GRIPPERS``."""
    address: str = ""
    """Of its control unit; empty: the robot's."""
    force: float = 20.0
    """With which it holds [N]."""
    speed: float = 0.1
    """Of its fingers [m/s]."""
    widest: float = 0.085
    """Robotiq: its widest opening [m]; a Franka hand tells its own."""


@dataclass(frozen=True, kw_only=True)
class Station:
    """One arm with its cameras."""

    name: str
    """Also the prefix of what it prints."""
    launch: str
    """Launch file, beside the folder of the stations."""
    driver: str
    """What moves, one of ``DRIVERS``."""
    preset: str
    """Controller preset, or ``task`` for the one that belongs to the task."""
    max_force: float
    """Largest force of the controller's spring [N]; only tightens the preset."""
    robot: RobotStation | None = None
    """Where the robot is; the twin has none."""
    gripper: GripperStation | None = None
    """Of a robot; None: it has none."""
    loss_ticks: int = 0
    """Packets in a row that the line to the robot may lose."""
    delay_ticks: int = 0
    """Age of a state when its torque is computed, beyond its own tick, on that line."""
    table: float = 0.0
    """Height of the table around a robot, above its base [m]."""
    cameras: Mapping[str, CameraStation] = field(default_factory=dict)
    """By name."""
    frames: Mapping[str, FrameStation] = field(default_factory=dict)
    """Fixed frames in which poses may be given, beside ``base``: name -> where it is."""
    reward: str = "task"
    """Who says what a step is worth: task, key, or the path of a reward file or a classifier, seen from this file."""
    state_rate: float = 100.0
    """States per second for policies and cameras [Hz]."""
    telemetry_rate: float = 25.0
    """Rate of the standard topics: poses, wrench, energy, objects [Hz]."""
    hold_after: float = 0.1
    """Without a sign of life from the bridge for this long the arm holds [s]."""
    priority: int = 80
    """Of SCHED_FIFO, for the arm process; 0: none."""
    bridge_priority: int = 20
    """Of SCHED_FIFO, for the bridge to ROS; 0: none."""
    cpu: int = -1
    """Processor of the arm process; -1: any."""


def station_path(name: str) -> Path:
    """The file of a station: a path that ends in .yaml, or the name of one that comes with the project."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if path.is_file():
        return path
    known = sorted(p.stem for p in FOLDER.glob("*.yaml"))
    raise StationError(f"there is no station {name!r}; {hint(name, known)}, or give the path of a .yaml file")


def load_station(name: str) -> Station:
    """Read and check a station file; ``StationError`` names the key that is wrong and the nearest right one."""
    path = station_path(name)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StationError(f"{path}: not YAML ({' '.join(str(error).split())[:120]}): correct the file") from None
    values = _checked(path, "", data, Station)
    cameras = values.get("cameras", {})
    if not isinstance(cameras, dict):
        raise StationError(f"{path}: cameras must map a name to width, height and rate: correct the file")
    values["cameras"] = {str(key): _camera(path, str(key), value) for key, value in cameras.items()}
    values["frames"] = _frames(path, values.get("frames", {}))
    _choose(path, "driver", values["driver"], DRIVERS)
    hardware = _hardware(path, values)
    return Station(**values, **hardware)


def _hardware(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    """The checked sections ``robot`` and ``gripper``, taken out of ``values``."""
    driver, robot, gripper = values["driver"], values.pop("robot", None), values.pop("gripper", None)
    if (robot is None) != (driver == "twin"):
        missing = "the key robot is missing: add it with its address"
        raise StationError(f"{path}: {missing if robot is None else 'a twin has no robot: take the key out'}")
    found: dict[str, Any] = {}
    if robot is not None:
        checked = _checked(path, "robot.", robot, RobotStation, ("address", "arm", *DRIVERS[driver]))
        _choose(path, "robot.arm", checked.setdefault("arm", ARMS[driver][0]), ARMS[driver])
        _choose(path, "robot.mode", checked.get("mode", "auto"), MODES)
        found["robot"] = RobotStation(**checked)
    if gripper is not None:
        if robot is None:
            raise StationError(f"{path}: a twin brings its gripper along: take the key gripper out")
        checked = _checked(path, "gripper.", gripper, GripperStation)
        _choose(path, "gripper.kind", checked["kind"], GRIPPERS)
        found["gripper"] = GripperStation(**checked)
    return found


def _camera(path: Path, name: str, data: object) -> CameraStation:
    camera = CameraStation(**_checked(path, f"cameras.{name}.", data, CameraStation))
    try:
        camera.view.check(camera.height, camera.width)
    except StationError as error:
        raise StationError(f"{path}: cameras.{name}: {error}") from None
    return camera


def _choose(path: Path, key: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise StationError(f"{path}: there is no {key} {name!r}; {hint(name, known)}")


def _frames(path: Path, data: object) -> dict[str, FrameStation]:
    if not isinstance(data, dict):
        raise StationError(f"{path}: frames must map a name to where the frame is: correct the file")
    checked = {str(key): _checked(path, f"frames.{key}.", body, FrameStation) for key, body in data.items()}
    found = {key: FrameStation(**values) for key, values in checked.items()}
    try:
        FrameTree(found)
    except StationError as error:
        raise StationError(f"{path}: {error}") from None
    return found


def _checked(path: Path, prefix: str, data: object, kind: type, names: Sequence[str] = ()) -> dict[str, Any]:
    """The keys of ``data`` as arguments of the dataclass ``kind``, each of the right type and sign.

    ``names``: those that may be used; empty: all."""
    if not isinstance(data, dict):
        raise StationError(f"{path}: {prefix or 'the file '}must map keys to values: correct the file")
    known = {f.name: f for f in fields(kind) if not names or f.name in names}
    for key in data:
        if key not in known:
            raise StationError(f"{path}: there is no key {prefix}{key!s}; {hint(str(key), known)}")
    for name, entry in known.items():
        if name not in data and entry.default is entry.default_factory:
            raise StationError(f"{path}: the key {prefix}{name} is missing: add it")
    return {key: value_of(path, prefix + key, value, str(known[key].type)) for key, value in data.items()}
