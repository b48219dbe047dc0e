"""The arm between packets, over a link of a few lines: order of calls, what is sent, how it is left."""

import os

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.loop.arm_loop import ArmLoop
from controllers.loop.exchange import Exchange
from controllers.loop.snapshot import COMMAND, snapshot_dtype
from controllers.parameters.presets import preset
from drivers.link import ArmFaultError, ArmRefusedError, empty_packet, refuse_unfit
from drivers.torque_arm import TorqueArm

SETTINGS = preset("rl_explore")


class Link:
    """An arm that stays where it is and keeps a diary."""

    name, period, guarantee = "paper arm", 0.001, "none"

    def __init__(self):
        self.arm, self.diary, self.sent = panda(), [], []
        self.packet = empty_packet(7)
        self.packet.q[:] = self.arm.home
        self.breaks_at = None

    def open(self):
        self.diary.append("open")
        return self.packet

    def read(self):
        self.packet.stamp += self.period
        if self.breaks_at is not None and self.packet.stamp > self.breaks_at:
            raise ArmFaultError("paper arm: torn; glue it")
        return self.packet

    def peek(self):
        self.packet.stamp += self.period
        return self.packet

    def write(self, tau):
        assert np.isfinite(tau).all()
        self.sent.append(tau.copy())
        self.packet.tau[:] = tau

    def recover(self):
        self.breaks_at = None
        return self.packet

    def close(self):
        self.diary.append("close")


def test_nothing_is_opened_before_it_is_entered_and_all_is_compiled_by_then():
    link = Link()
    arm = TorqueArm(link, SETTINGS)
    assert link.diary == []
    assert arm.controller.state["ticks"] == 0
    with arm:
        assert link.diary == ["open"]
    assert link.diary == ["open", "close"]


def test_one_answer_per_packet():
    link = Link()
    with TorqueArm(link, SETTINGS) as arm:
        arm.advance(25)
        assert len(link.sent) == 25


def test_it_is_left_without_torque_and_without_a_jump():
    link = Link()
    with TorqueArm(link, SETTINGS) as arm:
        arm.advance(5)
        arm.controller.state["tau"][:] = link.packet.tau[:] = 8.0
        arm.advance(1)
        link.sent.clear()
    assert np.abs(link.sent[-1]).max() == 0.0
    assert np.abs(np.diff(np.array(link.sent), axis=0)).max() <= 1.0 + 1e-9


def test_in_the_loop_the_packets_are_the_clock():
    record = np.zeros((), snapshot_dtype(7, ()))
    name = f"test.paced.{os.getpid()}"
    exchange = Exchange.create(name, (record.nbytes // 8, COMMAND.itemsize // 8), {})
    link = Link()
    try:
        with TorqueArm(link, SETTINGS) as arm:
            loop = ArmLoop(arm, exchange, record, hold_after=0.2)
            loop.ticker.wait = lambda: pytest.fail("it waited for deadlines of its own")
            for _ in range(200):
                loop.step()
            assert len(link.sent) == 200
    finally:
        exchange.unlink()


def test_the_ledger_takes_the_torque_that_the_robot_reports():
    link = Link()
    with TorqueArm(link, SETTINGS) as arm:
        arm.advance(3)
        link.packet.tau[:] = 2.0
        link.packet.q[:] += 0.001
        arm.advance(1)
        assert arm.state().energy.work == pytest.approx(7 * 2.0 * 0.001)


def test_a_fault_ends_the_control_not_the_loop():
    link = Link()
    with TorqueArm(link, SETTINGS) as arm:
        link.breaks_at = 0.0105
        arm.advance(20)
        assert arm.fault == "paper arm: torn; glue it"
        assert len(link.sent) == 10
        assert arm.now() == pytest.approx(0.02, abs=1.5e-3)
        arm.recover()
        arm.advance(1)
        assert len(link.sent) == 11


def test_the_way_home_can_be_interrupted():
    link = Link()
    link.packet.q[0] += 0.3
    with TorqueArm(link, SETTINGS) as arm:
        arm.interrupt = lambda: True
        with pytest.raises(ArmFaultError, match="halted"):
            arm.reset(0)
        assert arm.fault == ""


def test_an_arm_that_does_not_come_home_is_reported(monkeypatch):
    monkeypatch.setattr("drivers.homing.LIMIT", 1.0)
    link = Link()
    link.packet.q[0] += 0.3
    with TorqueArm(link, SETTINGS) as arm, pytest.raises(ArmFaultError, match="in its way"):
        arm.reset(0)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("q", np.nan, "finite"), ("q", 5.0, "outside"), ("dq", 0.1, "at rest"), ("tau_external", 6.0, "payload")],
)
def test_an_unfit_arm_is_refused_with_the_remedy(field, value, reason):
    link = Link()
    getattr(link.packet, field)[0] = value
    with pytest.raises(ArmRefusedError, match=reason):
        refuse_unfit(link.name, link.arm, link.packet)
