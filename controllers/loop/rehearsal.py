"""Everything that can happen to an arm, once, with an arm of paper: nothing is compiled while a robot waits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.guard.lifecycle import Ask
from controllers.guard.record import GuardConfig
from controllers.guard.supervisor import Measurement, Supervisor
from controllers.impedance_controller import PassiveImpedance
from controllers.parameters.presets import ControllerConfig
from robot_rl.core.records import Command, Source


def rehearse(arm: ArmModel, config: ControllerConfig, settings: GuardConfig) -> None:
    """Start, command, lease, send home, stop, fail and recover an arm like ``arm`` that stands still at home."""
    guard = Supervisor(PassiveImpedance(arm, config), settings)
    still, now = np.zeros(arm.n), 0.0

    def measured() -> Measurement:
        return Measurement(q=arm.home, dq=still, tau_external=still, now=now)

    def tick(count: int) -> None:
        nonlocal now
        for _ in range(count):
            now += config.period
            guard.tick(measured())

    guard.configure()
    tick(1)
    guard.activate(measured())
    tick(round(settings.soft_start / config.period) + 2)
    epoch = guard.acquire(Source.POLICY, 0.1, now)
    pose = arm.forward(arm.home)
    times = {"stamp": now, "valid_until": now + 0.1, "duration": 0.1}
    guard.submit(Command(seq=1, pose=pose, gripper=0.0, **times), now, epoch)
    guard.release(epoch)
    guard.change_config(replace(config, wrench_max=tuple(0.9 * x for x in config.wrench_max)))
    guard.home(measured())
    tick(2)
    guard.ask(Ask.ROBOT_STOPPED)
    tick(1)
    guard.recover(now)
    tick(2)
    guard.ask(Ask.STOP)
    tick(1)
    guard.clear(now)
