"""The loop of an arm whose driver is Python: packets are its clock, requests are served beside it, it ends at rest."""

import threading
import time

import numpy as np
import pytest
from paced_rig import PacedLink, Rig, quick_switches

from controllers.guard.lifecycle import Phase, Reason
from drivers.link import ArmRefusedError
from robot_rl.core.errors import ActivationRefusedError


@pytest.fixture
def rig():
    with quick_switches():
        made = Rig(PacedLink())
        yield made
        made.end()


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
