"""A device in a person's hands: averages, clutch, grip, and what she said before the episode."""

import numpy as np
import pytest
from hand import hand, state

from robot_rl.core.teleop import Event
from robot_rl.tasks.registry import make_task
from robot_rl.teleop.bindings import Bindings
from robot_rl.teleop.operator import DeviceOperator
from robot_rl.teleop.sample import Inbox
from robot_rl.teleop.shaping import Shaping


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Held:
    """A device whose inbox the test writes."""

    name = "test"

    def __init__(self):
        self.clock = Clock()
        self.inbox = Inbox(self.clock)

    def sample(self):
        return self.inbox.take()


def test_a_short_push_between_two_looks_is_not_lost():
    device = Held()
    device.inbox.put_axes(np.eye(6)[0])
    device.clock.now += 0.03
    device.inbox.put_axes(np.zeros(6))
    device.clock.now += 0.07
    sample = device.sample()
    np.testing.assert_allclose(sample.axes, 0.3 * np.eye(6)[0])
    assert sample.stamp == pytest.approx(100.03), "the last sign of life"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nonsense_from_a_device_moves_nothing(bad):
    device = Held()
    device.inbox.put_axes(np.full(6, bad))
    device.inbox.put_pose(np.full(7, bad))
    device.clock.now += 0.1
    sample = device.sample()
    np.testing.assert_array_equal(sample.axes, 0.0)
    assert sample.pose is None
    device.inbox.put_pose(np.array([0, 0, 0, 0, 0, 0, 2.0]))
    assert device.sample().pose is None, "no unit quaternion"


def operator(task, bindings=None, **shaping):
    device = Held()
    found = DeviceOperator(device, make_task(task), bindings or Bindings(), Shaping(**shaping), clock=device.clock)
    found.reset(0)
    return device, found


def test_an_operator_moves_the_arm_and_says_how_clearly():
    device, person = operator("peg_insert", smoothing=0.0, curve=1.0, dead_zone=0.0)
    device.inbox.put_axes(np.array([0.5, 0, 0, 0, 0, -1.0]))
    device.clock.now += 0.1
    reading = person.read(state(), {})
    np.testing.assert_allclose(reading.action, [0.5, 0, 0, 0, 0, -1.0])
    assert reading.strength == 1.0


def test_nothing_moves_without_the_clutch():
    device, person = operator("reach", Bindings(clutch=frozenset({"c"})), smoothing=0.0, curve=1.0)
    device.inbox.put_axes(np.eye(6)[0])
    device.clock.now += 0.1
    assert person.read(state(), {}).strength == 0.0
    device.inbox.put_buttons(frozenset({"c"}))
    device.clock.now += 0.1
    reading = person.read(state(), {})
    assert reading.strength == 1.0
    np.testing.assert_allclose(reading.action, [1.0, 0, 0])


def test_taking_over_keeps_the_grip_and_re_zeroes_the_hand():
    device, person = operator("pick_cube", Bindings(clutch=frozenset({"c"})))
    device.inbox.put_buttons(frozenset({"c"}))
    device.inbox.put_pose(hand())
    person.read(state(), {})
    device.inbox.put_pose(hand(x=0.02))
    np.testing.assert_allclose(person.read(state(), {}).action, [0.8, 0, 0, -1.0], atol=1e-9)
    person.engage(state(), np.array([0, 0, 0, 1.0]))
    np.testing.assert_allclose(person.read(state(), {}).action, [0, 0, 0, 1.0], atol=1e-9)


def test_a_hand_without_a_clutch_wants_the_arm_when_it_moves():
    device, person = operator("reach")
    device.inbox.put_pose(hand())
    assert person.read(state(), {}).strength == 0.0
    device.clock.now += 0.1
    device.inbox.put_pose(hand(x=0.02))
    assert person.read(state(), {}).strength == 1.0
    device.clock.now += 0.1
    device.inbox.put_pose(hand(x=0.02))
    assert person.read(state(), {}).strength == 0.0


def test_what_was_pressed_before_the_episode_does_not_count():
    device, person = operator("reach", Bindings(press={"s": Event.SUCCESS}))
    device.inbox.put_buttons(frozenset({"s"}))
    person.reset(1)
    assert person.read(state(), {}).events == ()
    device.inbox.put_buttons(frozenset())
    device.inbox.put_buttons(frozenset({"s"}))
    assert person.read(state(), {}).events == (Event.SUCCESS,)
