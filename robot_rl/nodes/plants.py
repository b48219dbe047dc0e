"""What a station's driver moves: the twin, or a robot on its wire; both under guard, behind the same loop."""

from __future__ import annotations

from dataclasses import replace

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda_shape import panda_shape, table
from controllers.arms.ur5e_shape import ur5e_shape
from controllers.guard.collision import Shape
from controllers.guard.record import Box
from controllers.loop.arm_loop import ArmLoop
from controllers.loop.exchange import Exchange
from controllers.loop.realtime_loop import LoopSettings, RealtimeLoop
from controllers.parameters.line import LineLimits, provide
from controllers.parameters.presets import ControllerConfig, preset
from drivers.driven_arm import DrivenArm, Surroundings
from drivers.franka import FrankaConfig, FrankaLink
from drivers.hand import Hand, HandSettings, NoHand
from drivers.hand_process import HandProcess
from drivers.link import ArmLink
from drivers.ur import UrConfig, UrLink
from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.station import RobotStation, Station
from robot_rl.envs.twin_env import PRESETS
from sim.guarded_twin import GuardedTwin

JOINTS = {"twin": 7, "franka": 7, "ur": 6}


def controller_of(station: Station, task: str) -> ControllerConfig:
    """The task's or the station's preset, under the station's limits and with energy in hand for its line."""
    check_name("task", task, PRESETS)
    return limited(station, preset(PRESETS[task] if station.preset == "task" else station.preset))


def limited(station: Station, config: ControllerConfig) -> ControllerConfig:
    """``config`` with the station's limits, which can only tighten it."""
    force, moment = config.wrench_max
    tight = replace(config, wrench_max=(min(force, station.max_force), moment))
    return provide(tight, line_of(station))


def line_of(station: Station) -> LineLimits:
    """What the station declares its line to be at its worst."""
    return LineLimits(lost=station.loss_ticks, late=station.delay_ticks)


def make_plant(station: Station, task: str, box: Box | None = None) -> GuardedTwin | DrivenArm:
    """What the station's driver moves, under guard; ``load_station`` has checked its name."""
    config = controller_of(station, task)
    if station.robot is None:
        return GuardedTwin(task, config, shape=panda_shape([table()]), box=box)
    hand, line = make_hand(station), line_of(station)
    around = Surroundings(shape=lambda arm: shape_of(arm, station.table), box=box, line=line, hand=hand)
    return DrivenArm(make_link(station.driver, station.robot), config, around)


def shape_of(arm: ArmModel, height: float) -> Shape:
    """The body of ``arm`` above a table of ``height`` [m]."""
    return (ur5e_shape if arm.name == "ur5e" else panda_shape)([table(height)])


def make_link(driver: str, robot: RobotStation) -> ArmLink:
    """The wire to a robot; nothing is opened."""
    if driver == "ur":
        return UrLink(UrConfig(address=robot.address, mode=robot.mode, patience=robot.patience))
    return FrankaLink(
        FrankaConfig(
            address=robot.address,
            arm=robot.arm,
            collision_torque=robot.collision_torque,
            collision_force=robot.collision_force,
            load_mass=robot.load_mass,
            load_com=robot.load_com,
            soft_realtime=robot.soft_realtime,
        )
    )


def make_hand(station: Station) -> Hand:
    """The station's gripper, in a process of its own; nothing is opened."""
    gripper, robot = station.gripper, station.robot
    if gripper is None or robot is None:
        return NoHand()
    settings = HandSettings(
        kind=gripper.kind,
        address=gripper.address or robot.address,
        force=gripper.force,
        speed=gripper.speed,
        widest=gripper.widest,
    )
    return HandProcess(settings)


def make_loop(plant: GuardedTwin | DrivenArm, exchange: Exchange, settings: LoopSettings) -> RealtimeLoop:
    """The loop that suits what moves: by the clock, or by a robot's packets."""
    if isinstance(plant, GuardedTwin):
        return RealtimeLoop(plant, exchange, settings)
    if settings.lockstep:
        raise ConfigError("a robot sets the pace itself: leave --lockstep out")
    return ArmLoop(plant, exchange, settings)
