"""Whether a station can do a task, looked at before anything moves: units, limits, reach, speed, cameras.

Nothing is opened and nothing moves: the arm's model, the controller's settings, the places where the task's scene puts
its objects and what a policy was trained on are compared with the station file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.arms.fr3 import fr3
from controllers.arms.panda import panda
from controllers.arms.ur5e import ur5e
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.errors import RobotRLError, StationError
from robot_rl.core.records import EnergyState, Mode, RobotState
from robot_rl.core.spec import ENVIRONMENT, IMAGES, STATE, Spec
from robot_rl.core.station import CameraStation, Station
from robot_rl.nodes.plants import controller_of
from robot_rl.nodes.plausible import implausible, numbers
from robot_rl.nodes.reach import Reach, reach_of
from robot_rl.tasks.features import ARM_FEATURES
from robot_rl.tasks.registry import make_task
from sim.scenes.registry import make_scene

Grade = Literal["fine", "note", "wrong"]
MARGIN = 0.05
"""Distance from a joint's end that a posture needs [rad]."""
PAYLOAD = {"fer": 3.0, "fr3": 3.0, "ur5e": 5.0}
"""What an arm may hold [kg]."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    grade: Grade
    """``note``: it works, but not as well as it could; ``wrong``: it must not move like this."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Need:
    """What is to run on the station."""

    task: str
    spec: Spec
    """What the policy, or the recording, observes."""

    @staticmethod
    def of(task: str, cameras: tuple[str, ...]) -> Need:
        """A task that is observed through the given cameras."""
        return Need(task=task, spec=make_task(task, cameras).spec)


def ready(findings: Sequence[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(finding.grade != "wrong" for finding in findings)


def look(station: Station, task: str) -> list[Finding]:
    """What there is to say of the station alone; ``task`` chooses the scene of a twin and its controller's preset."""
    found = [*_units(station), *_robot(station)]
    try:
        config = controller_of(station, task)
    except RobotRLError as error:
        return [*found, Finding(subject="controller", grade="wrong", text=str(error))]
    return found + [finding for arm in arms_of(station, task) for finding in _limits(arm, config)]


def look_with(station: Station, need: Need) -> list[Finding]:
    """What there is to say of the station and of what is to run on it."""
    found = look(station, need.task)
    if not ready(found):
        return found
    config = controller_of(station, need.task)
    for arm in arms_of(station, need.task):
        found += [*_joints(arm, need), *_reach(arm, config, need.task)]
    found += [*_speed(config, need), *_gripper(station, need.task), *_poses(station, need), *_cameras(station, need)]
    return list(dict.fromkeys(found))  # two versions of an arm may have the same to say


def require(findings: Sequence[Finding], station: str) -> None:
    """``StationError`` with everything that is wrong."""
    wrong = [f"{finding.subject}: {finding.text}" for finding in findings if finding.grade == "wrong"]
    if wrong:
        raise StationError(f"station {station} must not move like this: {'; '.join(wrong)}")


def arms_of(station: Station, task: str) -> list[ArmModel]:
    """The arm that the station may turn out to have, or every one that it may be when the robot says so itself."""
    if station.robot is None:
        return [make_scene(task).arm()]
    if station.driver == "ur":
        return [ur5e()]
    variants = {"fer": [panda()], "fr3": [fr3(), fr3(since_5_9=True)]}
    return [arm for name, arms in variants.items() if station.robot.arm in ("auto", name) for arm in arms]


def _units(station: Station) -> Iterator[Finding]:
    odd = list(implausible(station))
    for line in odd:
        yield Finding(subject="units", grade="wrong", text=f"{line}: correct the station file")
    if not odd:
        count = sum(1 for _ in numbers(station))
        yield Finding(subject="units", grade="fine", text=f"{count} numbers of {station.name} are plausible")


def _robot(station: Station) -> Iterator[Finding]:
    robot = station.robot
    if robot is None:
        return
    most = min(load for arm, load in PAYLOAD.items() if robot.arm in ("auto", arm))
    if robot.load_mass > most:
        said = f"robot.load_mass is {robot.load_mass:g} kg, the arm may hold {most:g}: choose a lighter load"
        yield Finding(subject="load", grade="wrong", text=said)
    if robot.soft_realtime:
        yield Finding(subject="real time", grade="note", text="soft_realtime is on: for trials only")


def _limits(arm: ArmModel, config: ControllerConfig) -> Iterator[Finding]:
    try:
        config.record(arm)
    except RobotRLError as error:
        yield Finding(subject=f"{arm.name}: limits", grade="wrong", text=str(error))
        return
    force, moment = config.wrench_max
    text = f"springs of at most {force:g} N and {moment:g} N m, a tank of {config.T0:g} J, home inside the workspace"
    yield Finding(subject=f"{arm.name}: limits", grade="fine", text=text)


def _joints(arm: ArmModel, need: Need) -> Iterator[Finding]:
    if STATE not in need.spec.observation:
        return
    seen = need.spec.observation[STATE].shape[0] - (ARM_FEATURES - 7)
    if seen != arm.n:
        said = f"{need.task} observes an arm of {seen} joints, {arm.name} has {arm.n}: choose another task or policy"
        yield Finding(subject=f"{arm.name}: joints", grade="wrong", text=said)


def _reach(arm: ArmModel, config: ControllerConfig, task: str) -> Iterator[Finding]:
    reach, subject = reach_of(arm, config, task), f"{arm.name}: reach"
    if reach.missed:
        place, why = reach.missed[0]
        said = f"{len(reach.missed)} of {reach.places} places of {task}'s objects cannot be worked at, such as "
        said += f"{np.round(place, 3).tolist()} m ({why}): move the arm, or enlarge its workspace"
        yield Finding(subject=subject, grade="wrong", text=said)
    else:
        said = f"all {reach.places} places where {task} puts its objects, {reach.margin:.2f} rad from a joint's end"
        yield Finding(subject=subject, grade="fine" if reach.margin >= MARGIN else "note", text=said)
    if reach.share < 1.0:
        yield _outside(reach, subject)


def _outside(reach: Reach, subject: str) -> Finding:
    said = (
        f"{1 - reach.share:.0%} of the workspace's corners and faces are out of reach, the tool turned as at the start"
    )
    return Finding(subject=subject, grade="note", text=f"{said}: near its edge the controller slows down, then stops")


def _speed(config: ControllerConfig, need: Need) -> Iterator[Finding]:
    asked, most = full_speed(need.task), config.v_max[0]
    if asked <= 1.01 * most:
        text = f"a full action asks for {asked:.3g} m/s, the controller allows {most:g}"
        yield Finding(subject="speed", grade="fine", text=text)
        return
    text = f"a full action asks for {asked:.3g} m/s, the controller lets the tool move at {most:g}: "
    yield Finding(subject="speed", grade="note", text=text + "what is stored is the shorter way that it really went")


def full_speed(task: str) -> float:
    """How fast the reference moves along the fastest axis of the task's actions [m/s]."""
    made, arm = make_task(task), make_scene(task).arm()
    state, moved = at_rest(arm), []
    for axis in np.eye(made.spec.action_dim):
        command = made.command(axis, state, 1)
        moved.append(np.linalg.norm(command.pose[:3] - state.reference[:3]) / command.duration)
    return float(max(moved))


def at_rest(arm: ArmModel) -> RobotState:
    """The arm at home, nothing moving, nothing touched."""
    pose, zeros = arm.forward(arm.home), np.zeros(arm.n)
    quiet = EnergyState(tank=0, spring=0, work=0, budget=0, scale=1, mode=Mode.HOLD, violations=0, worst_ratio=0)
    still = {"tau": zeros, "dq": zeros, "ee_twist": np.zeros(6), "wrench": np.zeros(6), "peak_force": 0.0}
    place = {"q": arm.home, "ee_pose": pose, "reference": pose, "gripper": 0.0, "stamp": 0.0}
    return RobotState(**still, **place, energy=quiet)


def _gripper(station: Station, task: str) -> Iterator[Finding]:
    if station.robot is not None and station.gripper is None and make_scene(task).gripper.driven:
        said = f"{task} opens and closes a gripper, {station.name} has none: add the key gripper to the station file"
        yield Finding(subject="gripper", grade="wrong", text=said)


def _poses(station: Station, need: Need) -> Iterator[Finding]:
    if station.robot is not None and ENVIRONMENT in need.spec.observation:
        names = ", ".join(make_scene(need.task).objects)
        said = f"{need.task} observes where {names} is: start what tracks it, or take a policy that sees"
        yield Finding(subject="objects", grade="note", text=said)


def _cameras(station: Station, need: Need) -> Iterator[Finding]:
    for name in need.spec.cameras:
        wanted = need.spec.observation[IMAGES + name].shape[:2]
        if name in station.cameras:
            yield _camera(name, station.cameras[name], wanted, need.spec.rate)
        elif station.robot is not None and not station.cameras:
            said = f"{station.name} lists no cameras: whether it is there shows on the graph, before the arm moves"
            yield Finding(subject=f"camera {name}", grade="note", text=said)
        else:
            known = ", ".join(station.cameras) or "none"
            said = f"{need.task} looks through it, {station.name} has {known}: add it, or leave it out of the policy"
            yield Finding(subject=f"camera {name}", grade="wrong", text=said)


def _camera(name: str, camera: CameraStation, wanted: tuple[int, ...], rate: float) -> Finding:
    """Whether its images are as many and as large as those that are wanted, (H, W), ``rate`` times per second."""
    shown = camera.view.shape((camera.height, camera.width, 3))[:2]
    said = f"{shown[0]} x {shown[1]} at {camera.rate:g} Hz for images of {wanted[0]} x {wanted[1]} at {rate:g} Hz"
    if camera.rate < rate:
        said += ": some steps see an image for the second time"
    if shown[0] < wanted[0] or shown[1] < wanted[1]:
        said += ": they are blown up, which shows no more"
    return Finding(subject=f"camera {name}", grade="note" if "some" in said or "blown" in said else "fine", text=said)
