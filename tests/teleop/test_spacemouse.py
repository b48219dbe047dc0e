"""A SpaceMouse at the wire: HID reports as the device sends them, through pyspacemouse."""

import struct
import time
from collections import deque

import numpy as np
import pytest

from robot_rl.teleop import spacemouse as mouse
from robot_rl.teleop.reader import Reader
from robot_rl.teleop.sample import Inbox

pyspacemouse = pytest.importorskip("pyspacemouse", reason="pip install 'robot-rl[teleop]'")


class Hid:
    """What hidapi offers of one device; says the reports that are put in."""

    product_string = manufacturer_string = serial_number = ""
    release_number = 0

    def __init__(self):
        self.reports = deque()
        self.gone = self.closed = False

    def open(self):
        pass

    def read(self, size):
        if self.gone:
            raise OSError("Failed to read from HID device: -1")
        return self.reports.popleft() if self.reports else b""

    def close(self):
        self.closed = True


def report(channel, *values):
    return bytes([channel]) + struct.pack(f"<{len(values)}h", *values)


@pytest.fixture
def space():
    """A SpaceNavigator, whose translation and rotation come in reports of their own."""
    spec = pyspacemouse.get_device_specs()["SpaceNavigator"]
    from pyspacemouse.config_helpers import apply_axis_convention

    hid = Hid()
    device = pyspacemouse.SpaceMouseDevice(apply_axis_convention(spec, pyspacemouse.AxisConvention.ROS), hid)
    inbox = Inbox()
    return hid, mouse.SpaceMousePort(device, inbox), inbox


def settled(inbox):
    inbox.take()
    time.sleep(0.01)
    return inbox.take()


@pytest.mark.parametrize(
    ("raw", "axis", "value"),
    [
        (report(1, 0, -350, 0), 0, 1.0),  # pushed away from the person: forward
        (report(1, -175, 0, 0), 1, 0.5),  # pushed to the left: left
        (report(1, 0, 0, -350), 2, 1.0),  # pulled up: up
        (report(2, 0, -350, 0), 3, 1.0),  # rolled: about forward
        (report(2, -350, 0, 0), 4, 1.0),  # tilted: about left
        (report(2, 0, 0, -350), 5, 1.0),  # turned against the clock, seen from above: about up
    ],
)
def test_spacemouse_reports_become_axes_of_the_base(space, raw, axis, value):
    hid, port, inbox = space
    hid.reports.append(raw)
    port.poll()
    np.testing.assert_allclose(settled(inbox).axes, value * np.eye(6)[axis], atol=1e-9)


def test_spacemouse_buttons_and_rest(space):
    hid, port, inbox = space
    hid.reports += [report(1, 0, -350, 0), report(3, 1), report(1, 0, 0, 0), report(3, 0), report(3, 2)]
    port.poll()
    sample = inbox.take()
    assert [(p.name, p.down) for p in sample.presses] == [("left", True), ("left", False), ("right", True)]
    assert sample.buttons == {"right"}
    np.testing.assert_array_equal(settled(inbox).axes, 0.0)


def test_an_idle_spacemouse_is_alive_and_an_unplugged_one_is_not(space):
    hid, port, _ = space
    opened = []

    def open_port(inbox):
        opened.append(True)
        if len(opened) > 1:
            raise OSError("still away")
        port.inbox = inbox
        return port

    with Reader("spacemouse", open_port) as reader:
        hid.reports.append(report(1, 0, -350, 0))
        time.sleep(0.1)
        sample = reader.sample()
        assert time.monotonic() - sample.stamp < 0.09, "alive though it says nothing new"
        hid.gone = True
        time.sleep(0.1)
        reader.sample()
        time.sleep(0.02)
        sample = reader.sample()
    assert sample.stamp == -np.inf
    np.testing.assert_array_equal(sample.axes, 0.0)
    assert hid.closed
