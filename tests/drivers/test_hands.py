"""Grippers on the wire: the real pylibfranka against a hand's server, and the Robotiq's text protocol."""

import os
import time

import numpy as np
import pytest

from drivers.franka_hand import FrankaHand
from drivers.hand import HandSettings
from drivers.hand_process import HandProcess
from drivers.link import ArmFaultError, ArmRefusedError
from drivers.robotiq import FORCES, SPEEDS, Robotiq, step_of

KINDS = {"franka_hand": FrankaHand, "robotiq": Robotiq}


@pytest.fixture
def settings(serve, library, monkeypatch):
    """settings("robotiq", "--object", 0.02) -> for a gripper on the wire."""

    def make(kind, *flags):
        if kind == "franka_hand":
            library("pylibfranka")
            path = os.pathsep.join([library.folder("pylibfranka"), os.environ.get("PYTHONPATH", "")])
            monkeypatch.setenv("PYTHONPATH", path)
        return HandSettings(kind=kind, address=serve("hand_server.py", kind, *flags), widest=0.08)

    return make


def until(condition, patience=5.0):
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("kind", KINDS)
def test_it_opens_and_closes(settings, kind):
    hand = KINDS[kind](settings(kind))
    assert hand.open() == pytest.approx(0.08)
    assert hand.opening() == pytest.approx(0.04, abs=5e-4), "to connect moves nothing"
    for goal in (0.07, 0.01):
        hand.go(goal)
        assert until(lambda goal=goal: abs(hand.opening() - goal) < 5e-4)
    hand.close()


@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_what_lies_between_its_fingers(settings, kind):
    hand = KINDS[kind](settings(kind, "--object", 0.03))
    hand.open()
    hand.go(0.0)
    assert until(lambda: hand.opening() < 0.0305)
    time.sleep(0.1)
    assert hand.opening() == pytest.approx(0.03, abs=5e-4), "closed no further"
    hand.close()


@pytest.mark.parametrize(
    ("kind", "flags", "reason"),
    [
        ("robotiq", ("--status", 0), "activate it on the pendant"),
        ("robotiq", ("--broken",), "SET GTO 1"),
        ("franka_hand", ("--widest", 0.0), "home it in Desk"),
    ],
)
def test_a_gripper_that_is_not_ready_is_refused(settings, kind, flags, reason):
    with pytest.raises(ArmRefusedError, match=reason):
        KINDS[kind](settings(kind, *flags)).open()


def test_a_hand_that_fails_is_a_fault_in_one_line(settings):
    hand = FrankaHand(settings("franka_hand", "--broken"))
    hand.open()
    with pytest.raises(ArmFaultError, match="look at the hand") as caught:
        hand.go(0.07)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_answers(library, kind):
    if kind == "franka_hand":
        library("pylibfranka")
    with pytest.raises(ArmRefusedError) as caught:
        KINDS[kind](HandSettings(kind=kind, address="127.9.9.6")).open()
    assert "\n" not in str(caught.value)


def test_numbers_of_the_robotiq_stay_in_their_range():
    assert (step_of(0.0, FORCES), step_of(20.0, FORCES), step_of(235.0, FORCES)) == (0, 0, 255)
    assert step_of(9.0, SPEEDS) == 255


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_process_of_its_own_it_follows_two_numbers(settings, kind):
    hand = HandProcess(settings(kind))
    hand.open()
    try:
        assert hand.widest == pytest.approx(0.08)
        assert hand.measured.sum() == pytest.approx(0.04, abs=5e-4)
        np.testing.assert_array_equal(hand.target, hand.measured)
        hand.target[:] = 0.035
        assert until(lambda: abs(hand.measured.sum() - 0.07) < 5e-4)
    finally:
        hand.close()


def test_why_the_process_did_not_start_is_told(settings):
    hand = HandProcess(settings("robotiq", "--status", 0))
    with pytest.raises(ArmRefusedError, match="activate it on the pendant"):
        hand.open()
    hand.close()
