"""The loop of an arm whose driver is Python: packets are its clock, requests are served beside it, it ends at rest."""

import ctypes
import gc
import os
import sys
import threading
import time

import numpy as np
import pytest
from paper_link import Link

from controllers.guard.lifecycle import Phase, Reason
from controllers.guard.requests import ArmRequests
from controllers.loop.arm_loop import ArmLoop
from controllers.loop.exchange import Exchange
from controllers.loop.realtime_loop import LoopSettings
from controllers.loop.snapshot import COMMAND, snapshot_dtype, write_command
from controllers.parameters.presets import preset
from drivers.driven_arm import DrivenArm
from drivers.link import ArmRefusedError
from robot_rl.core.errors import ActivationRefusedError
from robot_rl.core.records import Command

HOLDING_THE_INTERPRETER = ctypes.PyDLL(None)


class PacedLink(Link):
    """Sends a packet every ms of real time, and holds the interpreter while it waits, as pylibfranka does."""

    def __init__(self):
        super().__init__()
        self.next, self.refuses, self.lose, self.late, self.moves = time.monotonic(), "", 0, [], False

    def take_control(self):
        if self.refuses:
            raise ArmRefusedError(self.refuses)
        return super().take_control()

    def read(self):
        self.next = max(self.next + self.period, time.monotonic())
        wait = self.next - time.monotonic()
        if wait > 2e-5:
            HOLDING_THE_INTERPRETER.usleep(int(1e6 * wait))
        self.packet.lost, self.lose = self.lose, 0
        if self.moves and self.sent:
            self.packet.dq += self.period * self.sent[-1]
            self.packet.q += self.period * self.packet.dq
        self.came = time.monotonic()
        return super().read()

    def write(self, tau):
        super().write(tau)
        self.late.append(time.monotonic() - self.came)

    def peek(self):
        time.sleep(self.period)
        return super().peek()


class Rig:
    def __init__(self, link):
        self.link, self.arm = link, DrivenArm(link, preset("rl_explore"))
        self.arm.open()
        dtype = snapshot_dtype(7, ())
        name, sizes = f"test.loop.{os.getpid()}.{time.monotonic_ns()}", (dtype.itemsize // 8, COMMAND.itemsize // 8)
        self.exchange = Exchange.create(name, sizes, {})
        self.loop = ArmLoop(self.arm, self.exchange, LoopSettings(hold_after=5.0))
        self.desk = ArmRequests(self.loop, self.loop.supervisor)
        self.record = np.zeros((), dtype)

    def read(self):
        self.exchange.read(self.record.reshape(1).view(np.float64))
        return self.record

    def phase(self):
        return Phase(int(self.read()["phase"]))

    def until(self, condition, patience=20.0):
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            self.exchange.beat(time.monotonic())
            self.loop.serve()
            time.sleep(0.005)
        return condition()

    def activate(self):
        self.desk.activate({})
        return self.until(lambda: self.phase() is Phase.ACTIVE)

    def lead(self):
        record, now = np.zeros((), COMMAND), time.monotonic()
        pose = self.read()["ee_pose"] + np.array([0, 0, 0.02, 0, 0, 0, 0])
        write_command(record, Command(seq=1, stamp=now, valid_until=now + 5.0, duration=0.1, pose=pose, gripper=0.0))
        self.exchange.put_command(record.reshape(1).view(np.float64))

    def end(self):
        self.loop.close()
        self.exchange.unlink()
        self.arm.close()


@pytest.fixture
def rig():
    interval, made = sys.getswitchinterval(), Rig(PacedLink())
    sys.setswitchinterval(1e-4)
    yield made
    made.end()
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.enable()


def test_it_is_inactive_until_it_is_activated_and_follows_commands_then(rig):
    rig.loop.start()
    assert rig.until(lambda: rig.read()["ticks"] > 50)
    assert rig.phase() is Phase.INACTIVE
    assert len(rig.link.sent) == pytest.approx(rig.read()["ticks"], abs=20), "one answer per packet"
    assert rig.activate()
    rig.lead()
    assert rig.until(lambda: rig.read()["accepted"] == 1)
    assert rig.until(lambda: np.abs(rig.link.sent[-1]).max() > 0.1)


def test_what_the_driver_refuses_the_start_with_is_raised(rig):
    rig.link.refuses = "paper arm: no ink; buy some"
    with pytest.raises(ArmRefusedError, match="no ink"):
        rig.loop.start()
    assert not rig.link.sent


def test_lost_packets_pass_as_time(rig):
    rig.loop.start()
    assert rig.until(lambda: rig.read()["ticks"] > 20)
    rig.link.lose = 9
    assert rig.until(lambda: rig.read()["missed"] == 9)
    assert rig.until(lambda: rig.arm.lost == 9)


def test_a_robot_that_ends_the_control_is_a_fault_until_a_person_recovers_it(rig):
    rig.loop.start()
    assert rig.activate()
    rig.link.breaks_at = rig.link.packet.stamp
    assert rig.until(lambda: rig.phase() is Phase.FAULT)
    assert Reason(int(rig.read()["reason"])) is Reason.ROBOT_STOP
    assert "torn; glue it" in rig.desk.status({})["text"]
    with pytest.raises(ActivationRefusedError):
        rig.desk.activate({})
    rig.desk.clear({})
    assert rig.until(lambda: rig.phase() is Phase.ACTIVE)
    assert "torn" not in rig.desk.status({})["text"]


def test_a_recovery_that_the_robot_refuses_leaves_the_fault(rig, monkeypatch):
    rig.loop.start()
    assert rig.activate()
    rig.link.breaks_at = rig.link.packet.stamp
    assert rig.until(lambda: rig.phase() is Phase.FAULT)

    def refuse():
        raise ArmRefusedError("paper arm: the stop button is pressed; release it")

    monkeypatch.setattr(rig.link, "recover", refuse)
    with pytest.raises(ArmRefusedError, match="release it"):
        rig.desk.recover({})
    assert rig.until(lambda: rig.phase() is Phase.FAULT)


def test_a_reset_goes_home_under_guard_and_only_when_active(rig):
    rig.link.packet.q[0] += 0.05
    rig.link.moves = True
    rig.loop.start()
    refused = rig.exchange.ask_reset(3)
    assert rig.until(lambda: rig.exchange.reset_refused(refused))
    assert rig.phase() is Phase.INACTIVE
    assert rig.activate()
    ticket = rig.exchange.ask_reset(4)
    assert rig.until(lambda: rig.exchange.reset_done(ticket))
    assert (rig.read()["resets"], rig.read()["seed"]) == (1, 4)
    assert abs(rig.link.packet.q[0] - rig.arm.arm.home[0]) < 0.03


def test_a_way_home_that_ends_elsewhere_refuses_the_reset(rig):
    rig.loop.start()
    assert rig.activate()
    ticket = rig.exchange.ask_reset(4)
    assert rig.until(lambda: rig.phase() is Phase.HOMING)
    rig.link.breaks_at = rig.link.packet.stamp
    assert rig.until(lambda: rig.exchange.reset_refused(ticket))


def test_a_loop_that_ends_brings_the_arm_to_rest_and_hangs_up(rig):
    rig.loop.start()
    assert rig.activate()
    rig.lead()
    assert rig.until(lambda: np.abs(rig.link.sent[-1]).max() > 0.1)
    rig.loop.close()
    assert "close" in rig.link.diary
    assert np.abs(rig.link.sent[-1]).max() == 0.0
    assert np.abs(np.diff(np.array(rig.link.sent[-20:]), axis=0)).max() <= 1.0 + 1e-9


def test_a_loop_that_is_closed_right_after_a_request_still_leaves_the_arm_at_rest(rig):
    rig.loop.start()
    assert rig.activate()
    rig.loop.park()
    rig.loop.resume()
    rig.loop.close()
    assert "close" in rig.link.diary


def test_requests_are_served_beside_a_driver_that_holds_the_interpreter(rig):
    rig.loop.start()
    assert rig.until(lambda: rig.read()["ticks"] > 100)
    rig.link.late.clear()
    began = time.monotonic()
    for _ in range(50):
        rig.desk.status({})
        threading.Event().wait(0.002)
    assert time.monotonic() - began < 5.0
    assert np.median(rig.link.late) < 1e-3, "and the robot gets its answers in time"


def test_a_fault_while_it_comes_to_rest_is_no_error(rig):
    rig.loop.start()
    assert rig.activate()
    rig.link.packet.dq[0] = 0.5
    rig.link.breaks_at = rig.link.packet.stamp + 0.05
    rig.loop.close()
    assert "torn" in rig.arm.fault
