"""What every arm must do, whatever is behind it: run against the twin, against stand-ins, and on the hardware.

Each check takes an arm that is entered and just reset, moves it at most 3 cm, and raises ``ContractError``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from controllers.numeric.rotations import pose_error
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.errors import CommandRejectedError, RobotRLError
from robot_rl.core.protocols import Poses, Robot
from robot_rl.core.records import Array, Command, EnergyState, Mode, RobotState


class ContractError(RobotRLError):
    """An arm does not do what every arm must: do not use it before it does."""


class Arm(Protocol):
    """A ``Robot`` that a loop drives."""

    period: float

    def state(self) -> RobotState: ...
    def objects(self) -> Poses: ...
    def send(self, command: Command) -> Command: ...
    def reset(self, seed: int) -> None: ...
    def stop(self) -> None: ...
    def advance(self, ticks: int) -> None: ...
    def now(self) -> float: ...


STEP = 0.03
"""How far the checks move the tool [m]."""
ARRIVED = 0.006
"""Distance at which it has arrived; friction costs some of it [m]."""


def need(fact: bool, broken: str) -> None:
    """``ContractError`` that says what is broken unless ``fact``."""
    if not fact:
        raise ContractError(f"{broken}; the arm must not be used")


def ticks_of(arm: Arm, time: float) -> int:
    """Periods in ``time`` [s]."""
    return max(1, round(time / arm.period))


def target(arm: Arm, pose: Array, seq: int, *, life: float = 0.5) -> Command:
    """A command to ``pose`` (7,), valid for ``life`` [s]."""
    now = arm.now()
    gripper = arm.state().gripper
    return Command(stamp=now, seq=seq, valid_until=now + life, duration=0.2, pose=pose, gripper=gripper)


def raised(pose: Array, height: float) -> Array:
    """``pose`` (7,), ``height`` [m] higher."""
    out = pose.copy()
    out[2] += height
    return out


def speaks(arm: Arm) -> None:
    """It is a ``Robot``, its state is complete, finite and of one size, and its clock is that of its state."""
    need(isinstance(arm, Robot), "it does not have the methods of a Robot")
    state = arm.state()
    for name in ("q", "dq", "tau", "ee_pose", "ee_twist", "wrench", "reference"):
        need(bool(np.isfinite(getattr(state, name)).all()), f"{name} is not finite")
    need(state.q.shape == state.dq.shape == state.tau.shape, "q, dq and tau differ in size")
    need(abs(float(np.linalg.norm(state.ee_pose[3:])) - 1.0) < 1e-6, "the orientation is no unit quaternion")
    need(abs(state.stamp - arm.now()) < 1e-9, "now() is not the stamp of the state")
    need(isinstance(state.energy, EnergyState), "the energy is missing")


def keeps_time(arm: Arm) -> None:
    """Stamps grow by the periods that were advanced, or by more when packets were lost."""
    start = arm.now()
    arm.advance(50)
    passed = arm.now() - start
    need(passed > 49.5 * arm.period, f"50 ticks took {passed / arm.period:.1f} periods of its own time")


def holds_still(arm: Arm) -> None:
    """Without a command it holds, at the pose it was found in."""
    before = arm.state()
    lead = float(np.linalg.norm(pose_error(before.reference, before.ee_pose)[:3]))
    need(lead < 2e-3, "it does not start where it is")
    arm.advance(ticks_of(arm, 0.3))
    moved = pose_error(arm.state().ee_pose, before.ee_pose)
    need(float(np.linalg.norm(moved[:3])) < 2e-3, f"it moved {1e3 * float(np.linalg.norm(moved[:3])):.1f} mm by itself")
    need(arm.state().energy.mode is Mode.HOLD, f"its mode without a command is {arm.state().energy.mode.name}")


def arrives(arm: Arm) -> None:
    """It goes where it is told, and ``send`` returns where that is."""
    goal = raised(arm.state().ee_pose, STEP)
    for seq in range(1, 11):
        accepted = arm.send(target(arm, goal, seq))
        arm.advance(ticks_of(arm, 0.2))
    need(float(np.linalg.norm(accepted.pose[:3] - goal[:3])) < 1e-6, "send does not return the target")
    left = float(np.linalg.norm(arm.state().ee_pose[:3] - goal[:3]))
    need(left < ARRIVED, f"it is {1e3 * left:.1f} mm from its target after 2 s")


def refuses(arm: Arm) -> None:
    """What is not finite, no pose, far away or old is refused; the arm then holds with finite torques."""
    here = arm.state().ee_pose
    arm.send(target(arm, here, 5))
    broken = [np.full(7, np.nan), np.r_[np.inf, here[1:]], np.r_[here[:3], np.zeros(4)], raised(here, 5.0)]
    for seq, pose in enumerate(broken, start=6):
        try:
            arm.send(target(arm, pose, seq))
        except CommandRejectedError:
            arm.advance(2)
            need(bool(np.isfinite(arm.state().tau).all()), "its torques are not finite after a refusal")
            continue
        raise ContractError(f"it accepted the pose {np.round(pose, 3).tolist()}; the arm must not be used")
    try:
        arm.send(target(arm, here, 5))
    except CommandRejectedError:
        return
    raise ContractError("it accepted an old command again; the arm must not be used")


def expires(arm: Arm) -> None:
    """A command that is not followed by another ends in a hold, at rest."""
    arm.send(target(arm, raised(arm.state().ee_pose, STEP), 1, life=0.05))
    need(arm.state().energy.mode is not Mode.FAULT, "it is at fault")
    arm.advance(ticks_of(arm, 1.0))
    need(arm.state().energy.mode is Mode.HOLD, f"its mode after the last command is {arm.state().energy.mode.name}")
    at_rest(arm)


def stops(arm: Arm) -> None:
    """``stop`` in the middle of a motion brings it to rest."""
    arm.send(target(arm, raised(arm.state().ee_pose, STEP), 1))
    arm.advance(ticks_of(arm, 0.1))
    arm.stop()
    arm.advance(ticks_of(arm, 1.0))
    at_rest(arm)


def at_rest(arm: Arm) -> None:
    """No joint moves."""
    speed = float(np.abs(arm.state().dq).max())
    need(speed < 0.02, f"it still moves at {speed:.3f} rad/s")


def keeps_the_ledger(arm: Arm) -> None:
    """Under commands at random the work stays within the budget, by its ledger and by what q and tau say themselves."""
    rng, start = np.random.default_rng(0), arm.state().ee_pose
    before, work = arm.state(), 0.0
    for seq in range(1, 21):
        pose = start.copy()
        pose[:3] += rng.uniform(-STEP, STEP, 3) / np.sqrt(3)
        arm.send(target(arm, pose, seq))
        for _ in range(ticks_of(arm, 0.05)):
            arm.advance(1)
            after = arm.state()
            work += float(before.tau @ (after.q - before.q))
            before = after
    energy = arm.state().energy
    need(energy.violations == 0, f"its ledger counts {energy.violations} violations")
    need(work <= energy.budget, f"it did {work:.3f} J of work with {energy.budget:.3f} J")
    booked = f"it did {work:.3f} J of work and booked {energy.work:.3f} J"
    need(abs(work - energy.work) < 0.02 + 0.05 * abs(work), booked)


def limits_torque(arm: Arm, settings: ControllerConfig | None = None) -> None:
    """Torques change no faster than the controller may; nothing jumps."""
    rate = (settings or ControllerConfig()).brake_rate
    arm.send(target(arm, raised(arm.state().ee_pose, -STEP), 1))
    last = arm.state()
    for _ in range(ticks_of(arm, 0.2)):
        arm.advance(1)
        now = arm.state()
        jump = float(np.abs(now.tau - last.tau).max())
        periods = max(1.0, (now.stamp - last.stamp) / arm.period)
        need(jump <= rate * arm.period * periods + 1e-3, f"a torque jumped by {jump:.2f} N m")
        last = now


def goes_home(arm: Arm) -> None:
    """A reset brings it home, at rest, with a full tank and a clean ledger."""
    home = arm.state().ee_pose
    arm.send(target(arm, raised(home, STEP), 1))
    arm.advance(ticks_of(arm, 0.5))
    arm.reset(1)
    state = arm.state()
    error = pose_error(state.ee_pose, home)
    need(float(np.linalg.norm(error[:3])) < 0.015, "it is not home after a reset")
    need(abs(state.energy.work) < 1e-3, "its ledger is not clean after a reset")
    at_rest(arm)


CHECKS: dict[str, Callable[[Arm], None]] = {
    check.__name__: check
    for check in (
        *(speaks, keeps_time, holds_still, arrives, refuses, expires),
        *(stops, keeps_the_ledger, limits_torque, goes_home),
    )
}
"""By name, in the order in which hardware should meet them."""
